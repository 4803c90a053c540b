"""The phrasebook as a source of examples: a small edition of each task, in every language."""

from collections.abc import Callable
from functools import lru_cache

from dstilts.core.digest import file_digest, short_key
from dstilts.core.errors import UserError
from dstilts.core.registry import lookup
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.examples import Example, ExampleSet
from dstilts.tasks.phrasebook.format import (
    LANGUAGES_FOLDER,
    Language,
    available_languages,
    load_language,
)
from dstilts.tasks.phrasebook.generate_bucc import bucc_examples
from dstilts.tasks.phrasebook.generate_continuation import continuation_examples
from dstilts.tasks.phrasebook.generate_copa import copa_examples
from dstilts.tasks.phrasebook.generate_entities import entity_examples
from dstilts.tasks.phrasebook.generate_lareqa import lareqa_examples
from dstilts.tasks.phrasebook.generate_mewslix import mewslix_examples
from dstilts.tasks.phrasebook.generate_nli import nli_examples
from dstilts.tasks.phrasebook.generate_no_answer import no_answer_examples
from dstilts.tasks.phrasebook.generate_parallel import parallel_examples
from dstilts.tasks.phrasebook.generate_paraphrase import paraphrase_examples
from dstilts.tasks.phrasebook.generate_reading import reading_examples
from dstilts.tasks.phrasebook.generate_span import span_examples
from dstilts.tasks.phrasebook.generate_supertags import supertag_examples
from dstilts.tasks.phrasebook.generate_tagging import tagging_examples
from dstilts.tasks.phrasebook.generate_text import text_examples
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.phrasebook.parts import part_languages, parts_of

GENERATOR_VERSION = 4  # raised when the same files give other examples

Generator = Callable[[Part, Language], tuple[Example, ...]]

_GENERATORS: dict[str, Generator] = {
    "anli": nli_examples,
    "mnli": nli_examples,
    "snli": nli_examples,
    "qqp": paraphrase_examples,
    "squad_v1": span_examples,
    "squad_v2": no_answer_examples,
    "hellaswag": continuation_examples,
    "cosmosqa": reading_examples,
    "commonsenseqa": reading_examples,
    "socialiqa": reading_examples,
    "copa": copa_examples,
    "ccg": supertag_examples,
    "ccg_pmb": supertag_examples,
    "mlm": text_examples,
    "xnli": nli_examples,
    "pawsx": paraphrase_examples,
    "xcopa": copa_examples,
    "udpos": tagging_examples,
    "panx": entity_examples,
    "xquad": span_examples,
    "mlqa": span_examples,
    "tydiqa": span_examples,
    "bucc2018": bucc_examples,
    "tatoeba": parallel_examples,
    "lareqa": lareqa_examples,
    "mewslix": mewslix_examples,
}
_POOLED = ("lareqa", "mewslix")  # their evaluation sets have candidates in all languages


class PhrasebookSource:
    """The embedded source: nothing to download, the same examples everywhere."""

    name = "phrasebook"

    def tasks(self) -> tuple[str, ...]:
        """The catalog names of the tasks the phrasebook makes."""
        return tuple(_GENERATORS)

    def languages(self, task: str, split: str) -> tuple[str, ...]:
        """The languages of a split, sorted by code: English for training, all for evaluation."""
        return tuple(code for part in parts_of(task, split) for code in part_languages(part))

    def load(self, task: str, split: str, language: str) -> ExampleSet:
        """The examples of one task, split and language; the same at every call.

        Raises:
            UserError: the phrasebook has no such task, split or language.
        """
        lookup("phrasebook task", task, _GENERATORS)
        if language not in self.languages(task, split):
            raise UserError(
                f"the phrasebook has no {split!r} split of {task} in {language!r}",
                remedy=f"languages there: {', '.join(self.languages(task, split)) or 'none'}",
            )
        return _generated(task, split, language)

    def identity(self) -> dict[str, object]:
        """The edition: a key of the phrasebook's files and of the way examples are made of them."""
        return {"name": self.name, "edition": _edition()}


# A grid asks for the same sets for each of its models, and making them takes longer than a tiny
# model takes to read them.
@lru_cache(maxsize=1024)
def _generated(task: str, split: str, language: str) -> ExampleSet:
    (part,) = parts_of(task, split)
    generate, spoken = _GENERATORS[task], load_language(language)
    calibration: tuple[Example, ...] = ()
    if TASKS[task].protocol == "mining" and split == "test":
        calibration = generate(parts_of(task, "dev")[0], spoken)
    return ExampleSet(
        task=task,
        split=split,
        language=language,
        source=PhrasebookSource.name,
        examples=generate(part, spoken),
        files=_files(task, split, language),
        calibration=calibration,
    )


def _files(task: str, split: str, language: str) -> tuple[str, ...]:
    codes = ["en", language]
    if task in _POOLED and split != "train":
        codes += available_languages()
    shared = ["plan.toml", *(["supertags.toml"] if task in ("ccg", "ccg_pmb") else [])]
    return tuple(dict.fromkeys([*shared, *(f"languages/{code}.toml" for code in codes)]))


@lru_cache(maxsize=1)
def _edition() -> str:
    folder = LANGUAGES_FOLDER.parent
    paths = [*sorted(folder.glob("*.toml")), *sorted(LANGUAGES_FOLDER.glob("*.toml"))]
    return short_key([GENERATOR_VERSION, {path.name: file_digest(path) for path in paths}])

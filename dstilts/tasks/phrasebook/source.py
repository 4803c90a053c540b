"""The phrasebook as a source of examples: a small edition of each task, in every language."""

from collections.abc import Callable
from functools import lru_cache

from dstilts.core.digest import file_digest, short_key
from dstilts.core.errors import UserError
from dstilts.core.registry import lookup
from dstilts.tasks.examples import Example, ExampleSet
from dstilts.tasks.phrasebook.format import (
    LANGUAGES_FOLDER,
    Language,
    available_languages,
    load_language,
)
from dstilts.tasks.phrasebook.generate_nli import nli_examples
from dstilts.tasks.phrasebook.generate_parallel import parallel_examples
from dstilts.tasks.phrasebook.generate_span import span_examples
from dstilts.tasks.phrasebook.generate_tagging import tagging_examples
from dstilts.tasks.phrasebook.generator import Part

GENERATOR_VERSION = 1  # raised when the same files give other examples

Generator = Callable[[Part, Language], tuple[Example, ...]]

_GENERATORS: dict[str, Generator] = {
    "mnli": nli_examples,
    "snli": nli_examples,
    "squad_v1": span_examples,
    "udpos": tagging_examples,
    "xnli": nli_examples,
    "xquad": span_examples,
    "tatoeba": parallel_examples,
}
# Training tasks use the training entries in English; evaluation tasks the others, in every
# language. The same hypotheses, questions and sentences are asked in all languages.
_PARTS = (
    Part("mnli", "train", "train", 2400),
    Part("mnli", "dev", "train", 300),
    Part("snli", "train", "train", 2400),
    Part("snli", "dev", "train", 300),
    Part("squad_v1", "train", "train", 1200),
    Part("squad_v1", "dev", "train", 150),
    Part("udpos", "train", "train", 1600),
    Part("udpos", "dev", "train", 200),
    Part("udpos", "test", "test", 200),
    Part("xnli", "dev", "test", 150),
    Part("xnli", "test", "test", 300),
    Part("xquad", "test", "test", 200),
    Part("tatoeba", "test", "test", 320),
)


class PhrasebookSource:
    """The embedded source: nothing to download, the same examples everywhere."""

    name = "phrasebook"

    def tasks(self) -> tuple[str, ...]:
        """The catalog names of the tasks the phrasebook makes."""
        return tuple(_GENERATORS)

    def languages(self, task: str, split: str) -> tuple[str, ...]:
        """The languages of a split: English for training, all (sorted by code) for evaluation."""
        parts = [part for part in _PARTS if (part.task, part.split) == (task, split)]
        if not parts:
            return ()
        if parts[0].pool == "train":
            return ("en",)
        # Tatoeba pairs each language with English.
        return tuple(code for code in available_languages() if task != "tatoeba" or code != "en")

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
        (part,) = (part for part in _PARTS if (part.task, part.split) == (task, split))
        return ExampleSet(
            task=task,
            split=split,
            language=language,
            source=self.name,
            examples=_GENERATORS[task](part, load_language(language)),
            files=tuple(
                dict.fromkeys(("plan.toml", "languages/en.toml", f"languages/{language}.toml"))
            ),
        )

    def identity(self) -> dict[str, object]:
        """The edition: a key of the phrasebook's files and of the way examples are made of them."""
        return {"name": self.name, "edition": _edition()}


@lru_cache(maxsize=1)
def _edition() -> str:
    paths = [LANGUAGES_FOLDER.parent / "plan.toml", *sorted(LANGUAGES_FOLDER.glob("*.toml"))]
    return short_key([GENERATOR_VERSION, {path.name: file_digest(path) for path in paths}])

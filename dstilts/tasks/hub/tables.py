"""Which table of the hub has which task: data set, configuration, splits, columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dstilts.tasks.hub import rows
from dstilts.tasks.hub.rows import Reader
from dstilts.tasks.languages import LANGUAGES

# Data sets that are a script on the hub are read from the tables that the hub made of them.
CONVERTED = "refs/convert/parquet"


@dataclass(frozen=True)
class HubTable:
    """The tables of one task.

    Attributes:
        path: of the data set.
        config: its configuration, with {lang}, {iso3} and {name} for the language; None: the only
            one.
        splits: by our split the hub's, joined where there are several.
        reader: from a row to an example.
        columns: what the reader needs; checked before reading.
        revision: of the data set; None: the newest.
        own_languages: languages whose {name} or {iso3} the data set writes in another way.
        only: the languages the data set has, where the catalog has more.
        id_prefix: only rows whose id begins with the language's English name in lower case
            (TyDiQA's table holds all languages).
        note: how the split differs from the published one.
    """

    path: str
    splits: Mapping[str, tuple[str, ...]]
    reader: Reader
    columns: tuple[str, ...]
    config: str | None = None
    revision: str | None = None
    own_languages: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] | None = None
    id_prefix: bool = False
    note: str | None = None

    def config_of(self, language: str) -> str | None:
        """The configuration for a language."""
        if self.config is None:
            return None
        known = LANGUAGES[language]
        own = self.own_languages.get(language)
        return self.config.format(lang=language, iso3=own or known.iso3, name=own or known.name)


_NLI = ("premise", "hypothesis", "label")
_SPAN = ("id", "context", "question", "answers")
_ROUNDS = ("r1", "r2", "r3")
_UDPOS_XTREME = (
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi "
    "yo zh"
)
_TATOEBA_XTREME = (
    "af ar bg bn de el es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr nl pt ru sw ta te th "
    "tl tr ur vi zh"
)

HUB_TABLES: Mapping[str, HubTable] = {
    "anli": HubTable(
        "facebook/anli",
        {
            split: tuple(f"{name}_{r}" for r in _ROUNDS)
            for split, name in (("train", "train"), ("dev", "dev"), ("test", "test"))
        },
        rows.nli,
        ("uid", *_NLI),
    ),
    "mnli": HubTable(
        "nyu-mll/multi_nli",
        {"train": ("train",), "dev": ("validation_matched",)},
        rows.nli,
        ("pairID", "genre", *_NLI),
    ),
    "snli": HubTable(
        "stanfordnlp/snli",
        {"train": ("train",), "dev": ("validation",), "test": ("test",)},
        rows.nli,
        _NLI,
    ),
    "qqp": HubTable(
        "nyu-mll/glue",
        {"train": ("train",), "dev": ("validation",)},
        rows.qqp,
        ("question1", "question2", "label", "idx"),
        config="qqp",
    ),
    "squad_v1": HubTable(
        "rajpurkar/squad", {"train": ("train",), "dev": ("validation",)}, rows.squad, _SPAN
    ),
    "squad_v2": HubTable(
        "rajpurkar/squad_v2", {"train": ("train",), "dev": ("validation",)}, rows.squad_v2, _SPAN
    ),
    "hellaswag": HubTable(
        "Rowan/hellaswag",
        {"train": ("train",), "dev": ("validation",)},
        rows.hellaswag,
        ("ind", "ctx_a", "ctx_b", "endings", "label"),
        revision=CONVERTED,
    ),
    "cosmosqa": HubTable(
        "allenai/cosmos_qa",
        {"train": ("train",), "dev": ("validation",)},
        rows.cosmosqa,
        ("id", "context", "question", "answer0", "answer1", "answer2", "answer3", "label"),
        revision=CONVERTED,
    ),
    "commonsenseqa": HubTable(
        "tau/commonsense_qa",
        {"train": ("train",), "dev": ("validation",)},
        rows.commonsenseqa,
        ("id", "question", "choices", "answerKey"),
    ),
    "socialiqa": HubTable(
        "allenai/social_i_qa",
        {"train": ("train",), "dev": ("validation",)},
        rows.socialiqa,
        ("context", "question", "answerA", "answerB", "answerC", "label"),
        revision=CONVERTED,
    ),
    "copa": HubTable(
        "aps/super_glue",
        {"train": ("train",), "dev": ("validation",)},
        rows.copa,
        ("premise", "choice1", "choice2", "question", "label"),
        config="copa",
        revision=CONVERTED,
    ),
    "mlm": HubTable(
        "wikimedia/wikipedia",
        {"train": ("train[:49000]",), "dev": ("train[49000:50000]",)},
        rows.raw_text,
        ("text",),
        config="20231101.{lang}",
        note="the first 50,000 articles of Wikipedia of 2023-11-01, or fewer; a text each",
    ),
    "xnli": HubTable(
        "facebook/xnli",
        {"dev": ("validation",), "test": ("test",)},
        rows.nli,
        _NLI,
        config="{lang}",
    ),
    "pawsx": HubTable(
        "google-research-datasets/paws-x",
        {"train": ("train",), "dev": ("validation",), "test": ("test",)},
        rows.pawsx,
        ("id", "sentence1", "sentence2", "label"),
        config="{lang}",
    ),
    "xcopa": HubTable(
        "cambridgeltl/xcopa",
        {"dev": ("validation",), "test": ("test",)},
        rows.copa,
        ("premise", "choice1", "choice2", "question", "label"),
        config="{lang}",
    ),
    "udpos": HubTable(
        "google/xtreme",
        {"train": ("train",), "dev": ("validation",), "test": ("test",)},
        rows.tagging("pos_tags"),
        ("tokens", "pos_tags"),
        config="udpos.{name}",
        own_languages={"af": "Afrikans", "zh": "Chinese"},
        only=tuple(_UDPOS_XTREME.split()),
    ),
    "panx": HubTable(
        "unimelb-nlp/wikiann",
        {"train": ("train",), "dev": ("validation",), "test": ("test",)},
        rows.tagging("ner_tags"),
        ("tokens", "ner_tags"),
        config="{lang}",
    ),
    "xquad": HubTable(
        "google/xquad", {"test": ("validation",)}, rows.squad, _SPAN, config="xquad.{lang}"
    ),
    "mlqa": HubTable(
        "facebook/mlqa",
        {"dev": ("validation",), "test": ("test",)},
        rows.squad,
        _SPAN,
        config="mlqa.{lang}.{lang}",
        revision=CONVERTED,
    ),
    "tydiqa": HubTable(
        "google-research-datasets/tydiqa",
        {"train": ("train",), "dev": ("validation",)},
        rows.squad,
        _SPAN,
        config="secondary_task",
        id_prefix=True,
    ),
    "tatoeba": HubTable(
        "google/xtreme",
        {"test": ("validation",)},
        rows.parallel,
        ("source_sentence", "target_sentence"),
        config="tatoeba.{iso3}",
        only=tuple(_TATOEBA_XTREME.split()),
    ),
}

# Tasks that no table of the hub has as the task needs them.
NOT_ON_THE_HUB: Mapping[str, str] = {
    "bucc2018": "the hub's tables have the gold pairs alone, without the text they are mined from",
    "lareqa": "the hub's tables lack the borders of sentences, which make the candidates",
    "mewslix": "it is made by its own script",
    "ccg": "it is not free",
    "ccg_pmb": "it is a folder of files",
}

"""The catalog's English intermediate tasks, and multilingual masked language modelling."""

from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.task_spec import TaskSpec

# The order of jiant, the paper's own toolkit.
NLI_LABELS = ("contradiction", "entailment", "neutral")


def _nli(name: str, title: str, licence: str, sizes: dict[str, int], *parts: str) -> TaskSpec:
    return TaskSpec(
        name=name,
        title=title,
        kind="pair",
        roles=("intermediate",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence=licence,
        train_task=name,
        head="nli",
        labels=NLI_LABELS,
        parts=parts,
        published_sizes=sizes,
    )


def _choice(
    name: str, title: str, licence: str, num_choices: int, sizes: dict[str, int]
) -> TaskSpec:
    return TaskSpec(
        name=name,
        title=title,
        kind="choice",
        roles=("intermediate",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence=licence,
        train_task=name,
        head="choice",
        num_choices=num_choices,
        published_sizes=sizes,
    )


def _supertagging(
    name: str, title: str, licence: str, languages: tuple[str, ...], sizes: dict[str, int]
) -> TaskSpec:
    return TaskSpec(
        name=name,
        title=title,
        kind="tagging",
        roles=("intermediate",),
        metrics=("token_accuracy",),
        main_metric="token_accuracy",
        licence=licence,
        train_task=name,
        head=name,
        languages=languages,
        open_labels=True,
        published_sizes=sizes,
    )


INTERMEDIATE_TASKS = (
    _nli(
        "anli",
        "ANLI, rounds 1 to 3: adversarial natural language inference",
        "CC BY-NC 4.0",
        {"train": 162_865, "dev": 3_200, "test": 3_200},
    ),
    _nli(
        "mnli",
        "MultiNLI: natural language inference",
        "OANC and others, mostly free; see the data set",
        {"train": 392_702, "dev": 9_815},
    ),
    _nli(
        "snli",
        "SNLI: natural language inference on image captions",
        "CC BY-SA 4.0",
        {"train": 550_152, "dev": 10_000, "test": 10_000},
    ),
    _nli(
        "anli_plus",
        "ANLI+: ANLI, MultiNLI and SNLI together",
        "of its parts",
        {"train": 1_105_719},
        "anli",
        "mnli",
        "snli",
    ),
    TaskSpec(
        name="qqp",
        title="Quora Question Pairs: paraphrase",
        kind="pair",
        roles=("intermediate",),
        metrics=("accuracy", "f1"),
        main_metric="accuracy",
        licence="Quora's terms, non-commercial",
        train_task="qqp",
        head="qqp",
        labels=("0", "1"),
        published_sizes={"train": 363_846, "dev": 40_430},
    ),
    TaskSpec(
        name="squad_v1",
        title="SQuAD v1.1: span question answering",
        kind="span",
        roles=("intermediate",),
        metrics=("f1", "exact_match"),
        main_metric="f1",
        licence="CC BY-SA 4.0",
        train_task="squad_v1",
        head="span",
        published_sizes={"train": 87_599, "dev": 10_570},
    ),
    TaskSpec(
        name="squad_v2",
        title="SQuAD v2.0: span question answering, some questions without an answer",
        kind="span",
        roles=("intermediate",),
        metrics=("f1", "exact_match", "answerable_f1", "no_answer_accuracy"),
        main_metric="f1",
        licence="CC BY-SA 4.0",
        train_task="squad_v2",
        head="span_or_none",
        has_no_answer=True,
        published_sizes={"train": 130_319, "dev": 11_873},
    ),
    _choice(
        "hellaswag",
        "HellaSwag: which sentence goes on",
        "MIT",
        4,
        {"train": 39_905, "dev": 10_042, "test": 10_003},
    ),
    _choice(
        "cosmosqa",
        "Cosmos QA: multiple choice about everyday narratives",
        "CC BY 4.0",
        4,
        {"train": 25_262, "dev": 2_985, "test": 6_963},
    ),
    _choice(
        "commonsenseqa",
        "CommonsenseQA: multiple choice",
        "not stated in the data set",
        5,
        {"train": 9_741, "dev": 1_221, "test": 1_140},
    ),
    _choice(
        "socialiqa",
        "SocialIQA: multiple choice about social situations",
        "CC BY 4.0",
        3,
        {"train": 33_410, "dev": 1_954, "test": 2_224},
    ),
    _choice(
        "copa",
        "COPA: the likelier cause or effect",
        "BSD 2-clause",
        2,
        {"train": 400, "dev": 100, "test": 500},
    ),
    # Sizes: no distribution of CCGbank's usual split was at hand; jiant's label count is 1,363.
    _supertagging(
        "ccg",
        "CCGbank: supertagging",
        "LDC2005T13, not free",
        ("en",),
        {},
    ),
    _supertagging(
        "ccg_pmb",
        "Parallel Meaning Bank: CCG supertagging, the free stand-in for CCGbank",
        "not stated in the data set",
        ("de", "en", "it", "nl"),
        {"train": 7_668, "dev": 1_169, "test": 1_048},
    ),
    TaskSpec(
        name="mlm",
        title="Masked language modelling on raw text of many languages",
        kind="mlm",
        roles=("intermediate",),
        metrics=("accuracy", "perplexity"),
        main_metric="accuracy",
        licence="of the texts",
        train_task="mlm",
        head="mlm",
        languages=tuple(sorted(LANGUAGES)),
    ),
)

"""The catalog: one row a task, with languages as an axis of the row."""

from dataclasses import dataclass, field
from typing import Literal

from dstilts.core.registry import lookup
from dstilts.tasks.examples import Kind

TaskRole = Literal["intermediate", "target"]


@dataclass(frozen=True)
class TaskSpec:
    """One task.

    Attributes:
        languages: those it is evaluated in, in alphabetical order.
        labels: of a classification, in the order of the head's outputs; () where there are none.
        main_metric: the one that tables show, one of `metrics`.
        train_task: the task whose English training set trains this one; None: nothing is trained.
        head: the name of the head; tasks of the same name share it. None for retrieval.
        eval_split: the split that is reported where the source has it.
        published_sizes: the examples of each published split, in English where languages differ.
    """

    name: str
    title: str
    kind: Kind
    roles: tuple[TaskRole, ...]
    metrics: tuple[str, ...]
    main_metric: str
    licence: str
    train_task: str | None
    head: str | None
    languages: tuple[str, ...] = ("en",)
    labels: tuple[str, ...] = ()
    num_choices: int | None = None
    eval_split: Literal["dev", "test"] = "dev"
    published_sizes: dict[str, int] = field(default_factory=dict)


# The order of jiant, the paper's own toolkit.
NLI_LABELS = ("contradiction", "entailment", "neutral")

UPOS = tuple(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
)

# Languages and sizes: reports and scripts of XTREME and XTREME-R; where the two differ, the larger
# set of languages (XTREME-R's), of which a source gives what it has.
_ROWS = (
    TaskSpec(
        name="mnli",
        title="MultiNLI: natural language inference",
        kind="pair",
        roles=("intermediate",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="OANC and others, mostly free; see the data set",
        train_task="mnli",
        head="nli",
        labels=NLI_LABELS,
        published_sizes={"train": 392_702, "dev": 9_815},
    ),
    TaskSpec(
        name="snli",
        title="SNLI: natural language inference on image captions",
        kind="pair",
        roles=("intermediate",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="CC BY-SA 4.0",
        train_task="snli",
        head="nli",
        labels=NLI_LABELS,
        published_sizes={"train": 550_152, "dev": 10_000, "test": 10_000},
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
        name="socialiqa",
        title="SocialIQA: multiple choice about social situations",
        kind="choice",
        roles=("intermediate",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="CC BY 4.0",
        train_task="socialiqa",
        head="choice",
        num_choices=3,
        published_sizes={"train": 33_410, "dev": 1_954, "test": 2_224},
    ),
    TaskSpec(
        name="commonsenseqa",
        title="CommonsenseQA: multiple choice",
        kind="choice",
        roles=("intermediate",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="not stated in the data set",
        train_task="commonsenseqa",
        head="choice",
        num_choices=5,
        published_sizes={"train": 9_741, "dev": 1_221, "test": 1_140},
    ),
    TaskSpec(
        name="udpos",
        title="UD POS: part of speech",
        kind="tagging",
        roles=("target",),
        metrics=("f1", "precision", "recall", "token_accuracy"),
        main_metric="f1",
        licence="by treebank, several non-commercial",
        train_task="udpos",
        head="udpos",
        languages=tuple(
            "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko lt mr nl pl pt ro ru ta "
            "te th tl tr uk ur vi wo yo zh".split()
        ),
        labels=UPOS,
        eval_split="test",
        published_sizes={"train": 21_253, "dev": 3_974, "test": 5_440},
    ),
    TaskSpec(
        name="xnli",
        title="XNLI: cross-lingual natural language inference",
        kind="pair",
        roles=("target",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="CC BY-NC 4.0",
        train_task="mnli",
        head="nli",
        languages=tuple("ar bg de el en es fr hi ru sw th tr ur vi zh".split()),
        labels=NLI_LABELS,
        eval_split="test",
        published_sizes={"dev": 2_490, "test": 5_010},
    ),
    TaskSpec(
        name="pawsx",
        title="PAWS-X: cross-lingual paraphrase",
        kind="pair",
        roles=("target",),
        metrics=("accuracy",),
        main_metric="accuracy",
        licence="free, with attribution to Google",
        train_task="pawsx",
        head="pawsx",
        languages=tuple("de en es fr ja ko zh".split()),
        labels=("0", "1"),
        eval_split="test",
        published_sizes={"train": 49_401, "dev": 2_000, "test": 2_000},
    ),
    TaskSpec(
        name="xquad",
        title="XQuAD: cross-lingual span question answering",
        kind="span",
        roles=("target",),
        metrics=("f1", "exact_match"),
        main_metric="f1",
        licence="CC BY-SA 4.0",
        train_task="squad_v1",
        head="span",
        languages=tuple("ar de el en es hi ro ru th tr vi zh".split()),
        eval_split="test",
        published_sizes={"test": 1_190},
    ),
    TaskSpec(
        name="tydiqa",
        title="TyDiQA-GoldP: span question answering written in each language",
        kind="span",
        roles=("target",),
        metrics=("f1", "exact_match"),
        main_metric="f1",
        licence="Apache-2.0",
        train_task="tydiqa",
        head="span",
        languages=tuple("ar bn en fi id ko ru sw te".split()),
        eval_split="dev",
        published_sizes={"train": 3_696, "dev": 440},
    ),
    TaskSpec(
        name="tatoeba",
        title="Tatoeba: sentence retrieval between a language and English",
        kind="retrieval",
        roles=("target",),
        metrics=("accuracy", "accuracy_xx_en"),
        main_metric="accuracy",
        licence="CC BY 2.0 FR",
        train_task=None,
        head=None,
        languages=tuple(
            "af ar az bg bn de el es et eu fa fi fr he hi hu id it ja jv ka kk ko lt ml mr nl pl "
            "pt ro ru sw ta te th tl tr uk ur vi zh".split()
        ),
        eval_split="test",
        published_sizes={"test": 1_000},
    ),
)

TASKS: dict[str, TaskSpec] = {spec.name: spec for spec in _ROWS}


def task(name: str) -> TaskSpec:
    """The row of a task.

    Raises:
        UserError: there is no such task; the message carries the nearest known name.
    """
    return lookup("task", name, TASKS)

"""What the catalog says of a task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dstilts.tasks.examples import Kind

TaskRole = Literal["intermediate", "target"]
# nearest: the nearest sentence of the other side (Tatoeba). mining: pairs above a threshold of the
# margin (BUCC). ranking: candidates of all languages, ranked for each question (LAReQA, Mewsli-X).
Protocol = Literal["nearest", "mining", "ranking"]


@dataclass(frozen=True)
class TaskSpec:
    """One task.

    Attributes:
        languages: those it is evaluated in, in alphabetical order.
        labels: of a classification, in the order of the head's outputs; () where there are none.
        open_labels: the labels are those of the training set at hand (supertagging).
        main_metric: the one that tables show, one of `metrics`.
        train_task: the task whose English training set trains this one; None: nothing is trained.
        head: the name of the head; tasks of the same name share it. None: nothing is trained.
        parts: the tasks this one is made of: it trains on all of their training sets together.
        has_no_answer: some questions are not answered by their context (SQuAD v2.0).
        normalizer: how answers are compared: SQuAD's rules for English in every language, or
            MLQA's for each language.
        protocol: of a retrieval task.
        pooling: of a retrieval task: sentence vectors are means, or the first token's.
        similarity: of a retrieval task.
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
    open_labels: bool = False
    num_choices: int | None = None
    parts: tuple[str, ...] = ()
    has_no_answer: bool = False
    normalizer: Literal["squad", "mlqa"] = "squad"
    protocol: Protocol | None = None
    pooling: Literal["mean", "first"] = "mean"
    similarity: Literal["cosine", "dot"] = "cosine"
    eval_split: Literal["dev", "test"] = "dev"
    published_sizes: Mapping[str, int] = field(default_factory=dict)

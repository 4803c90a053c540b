"""Nothing trains on what it is evaluated on: exact overlap of training and evaluation texts."""

import dataclasses
from collections.abc import Iterable, Iterator

from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.source import Source

# Training sets by source and task: the phases of one launch ask for the same ones again.
_kept: dict[str, ExampleSet] = {}


def training_set(source: Source, task_name: str) -> ExampleSet:
    """The English training set of a task, less what stands in an evaluation set that it trains for.

    Published splits overlap: Universal Dependencies' English sets share short sentences. What is
    left out is counted in the set's `subset`.

    Raises:
        UserError: the source has no such set, or one of its files is broken.
    """
    key = short_key([source.identity(), task_name])
    if key not in _kept:
        training = source.load(task_name, "train", "en")
        _kept[key] = without_leaks(training, _evaluated_by(source, task_name))
    return _kept[key]


def _evaluated_by(source: Source, task_name: str) -> Iterator[ExampleSet]:
    """Every evaluation set, in all languages, of the tasks that a training set trains."""
    for spec in TASKS.values():
        if task_name in (spec.name, spec.train_task):
            for split in ("dev", "test"):
                for language in source.languages(spec.name, split):
                    yield source.load(spec.name, split, language)


def overlap(training: ExampleSet, evaluation: ExampleSet) -> list[str]:
    """The ids of evaluation examples whose whole text stands in the training set.

    The text is both texts of a pair, a context with its question, a question with its choices, or
    the words of a sentence; case and spaces do not matter.
    """
    known = {_text(example) for example in training.examples}
    return [example.id for example in evaluation.examples if _text(example) in known]


def without_leaks(training: ExampleSet, evaluations: Iterable[ExampleSet]) -> ExampleSet:
    """The training set without the examples whose whole text stands in an evaluation set.

    Raises:
        UserError: nothing is left.
    """
    known = {_text(example) for examples in evaluations for example in examples.examples}
    kept = tuple(example for example in training.examples if _text(example) not in known)
    dropped = len(training) - len(kept)
    if not dropped:
        return training
    if not kept:
        raise UserError(
            f"every training example of {training.task} stands in an evaluation set",
            remedy="evaluate on other data",
        )
    note = f"less {dropped} that stand in an evaluation set"
    subset = f"{training.subset}; {note}" if training.subset else note
    return dataclasses.replace(training, examples=kept, subset=subset)


def _text(example: Example) -> tuple[str, ...]:
    match example:
        case PairExample():
            parts: tuple[str, ...] = (example.text_a, example.text_b)
        case ChoiceExample():
            parts = (example.context, example.question, *example.choices)
        case SpanExample():
            parts = (example.context, example.question)
        case TaggingExample():
            parts = (" ".join(example.words),)
        case SentenceExample():
            parts = (example.text,)
    return tuple(" ".join(part.lower().split()) for part in parts)

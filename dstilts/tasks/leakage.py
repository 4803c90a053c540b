"""Nothing trains on what it is evaluated on: texts that training and evaluation sets share."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dstilts.core.errors import UserError
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from dstilts.tasks.ngrams import NgramIndex

# A pair of sets leaks if at least this share of the evaluation examples stands in the training set,
# or has a long run of words in common with it: a greeting or a quotation here and there is no leak.
LEAKING_SHARE = 0.02


@dataclass(frozen=True)
class Overlap:
    """What an evaluation set shares with a training set.

    Attributes:
        exact: evaluation examples whose whole text stands in the training set.
        runs: those with a run of words (see `ngrams`) that stands there; the exact ones that are
            long enough among them.
    """

    training: str
    evaluation: str
    split: str
    language: str
    num_examples: int
    exact: int
    runs: int

    @property
    def leaks(self) -> bool:
        """Whether a score of the one after training on the other would mislead."""
        return max(self.exact, self.runs) >= LEAKING_SHARE * self.num_examples


def find_overlaps(
    trainings: Sequence[ExampleSet], evaluations: Iterable[ExampleSet]
) -> Iterator[Overlap]:
    """What each evaluation set shares with each training set, evaluation sets in turn."""
    index = NgramIndex()
    whole = [{_squeezed(example) for example in training.examples} for training in trainings]
    runs = [index.add(part for e in t.examples for part in _text(e)) for t in trainings]
    for evaluation in evaluations:
        keys = [_squeezed(example) for example in evaluation.examples]
        found = index.runs([_text(example) for example in evaluation.examples])
        for training, known, known_runs in zip(trainings, whole, runs, strict=True):
            yield Overlap(
                training=training.task,
                evaluation=evaluation.task,
                split=evaluation.split,
                language=evaluation.language,
                num_examples=len(evaluation),
                exact=sum(key in known for key in keys),
                runs=int(found.groups_with(known_runs).sum()),
            )


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
    left = {example.id for example in kept}
    # A question goes with its candidate.
    kept = tuple(e for e in kept if left.issuperset(getattr(e, "matches", ())))
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


def _squeezed(example: Example) -> tuple[str, ...]:
    """The whole text without spaces: words of a tagged sentence are the sentence they come from."""
    return tuple("".join(part.split()) for part in _text(example))


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
        case SentenceExample() | TextExample():
            parts = (example.text,)
    return tuple(" ".join(part.lower().split()) for part in parts)

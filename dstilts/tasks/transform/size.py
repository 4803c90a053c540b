"""Nested subsets for scaling curves: a smaller one is contained in each larger one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dstilts.core.errors import UserError
from dstilts.core.random_numbers import stream
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
)
from dstilts.tasks.transform.notes import annotated, require


@dataclass(frozen=True)
class Size:
    """How many examples stay."""

    examples: int  # of retrieval tasks: source texts
    by_label: bool = False  # in the whole set's shares of labels, as near as whole numbers come
    seed: int = 1

    def __post_init__(self) -> None:
        require(self.examples > 0, "examples must be greater than 0")


def sizes(smallest: int, largest: int, count: int) -> tuple[int, ...]:
    """Sizes of a scaling curve, evenly spaced in logarithm; equal ones stand once.

    Raises:
        ValueError: not 0 < smallest <= largest, or a count below 2.
    """
    require(0 < smallest <= largest, "smallest must be greater than 0 and not above largest")
    require(count > 1, "count must be at least 2")
    grid = np.geomspace(smallest, largest, count)
    return tuple(dict.fromkeys(round(float(size)) for size in grid))


def resized(examples: ExampleSet, options: Size) -> ExampleSet:
    """At most that many examples, in their own order; with the same seed sets are nested.

    Of a retrieval task the texts stay that match the kept sources, and of those that match none
    the same share as of the sources. The draw depends on the seed, the task, the split and the
    number of examples, not on the language: parallel languages keep the same items. `calibration`
    stays as it is.

    Raises:
        UserError: `by_label` for a task without labels.
    """
    groups, others = _groups(examples.examples)
    if options.examples >= len(groups):
        return examples
    draws = stream("nested subset", options.seed, examples.task, examples.split)
    order = draws.permutation(len(groups))
    if options.by_label:
        order = _stratified(order, _labels(examples))
    wanted = {name for index in order[: options.examples] for name in groups[index]}
    share = options.examples / len(groups)
    others_order = draws.permutation(len(others))[: round(share * len(others))]
    wanted |= {others[index] for index in others_order}
    kept = (example for example in examples.examples if example.id in wanted)
    how = "by label " if options.by_label else ""
    note = f"{options.examples} of {len(groups)}, drawn {how}with seed {options.seed}, nested"
    return annotated(examples, kept, note)


def _groups(examples: Sequence[Example]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Ids that stand or fall together, and those of texts that belong to no source."""
    sources = [e for e in examples if isinstance(e, SentenceExample) and e.side == "source"]
    if not sources:
        return [(example.id,) for example in examples], []
    groups = [(example.id, *example.matches) for example in sources]
    grouped = {name for group in groups for name in group}
    return groups, [example.id for example in examples if example.id not in grouped]


def _labels(examples: ExampleSet) -> list[str]:
    labels = []
    for example in examples.examples:
        if not isinstance(example, PairExample | ChoiceExample):
            raise UserError(
                f"by_label is for tasks with one label an example; {examples.task} is not one"
            )
        labels.append(str(example.label))
    return labels


def _stratified(order: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """The order, so rearranged that every beginning of it has the labels in their shares.

    The k-th of the n examples of a label comes at (k - 1/2) / n of the way.
    """
    of_label: dict[str, list[int]] = defaultdict(list)
    for index in order.tolist():
        of_label[labels[index]].append(index)
    place = np.empty(len(order))
    for indices in of_label.values():
        place[indices] = (np.arange(len(indices)) + 0.5) / len(indices)
    return order[np.argsort(place[order], kind="stable")]

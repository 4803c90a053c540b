"""Fixed random subsets of examples, the same items in every language of a parallel task."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from dstilts.core.random_numbers import stream
from dstilts.tasks.examples import Example, ExampleSet, PairExample, SentenceExample


def take(examples: ExampleSet, limit: int | None, seed: int) -> ExampleSet:
    """At most `limit` examples (of retrieval tasks: source sentences), in their own order.

    The draw depends on the seed, the task, the split and the number of examples, not on the
    language: parallel languages keep the same items. Labels keep their shares: a small draw would
    otherwise have a constant answer score well above chance now and then. Of the targets of a
    retrieval task those stay that match, and of those that match nothing the same share as of the
    sources; a set for calibration is cut to the same share.
    """
    items = _items(examples.examples)
    if limit is None or limit >= len(items):
        return examples
    share = limit / len(items)
    name = (seed, examples.task, examples.split)
    calibration = _taken(examples.calibration, share, *name, "calibration")
    note = f"{limit} of {len(items)}, drawn with seed {seed}"
    return dataclasses.replace(
        examples,
        examples=_taken(examples.examples, share, *name),
        subset=f"{note}; {examples.subset}" if examples.subset else note,
        calibration=calibration,
    )


def _taken(examples: Sequence[Example], share: float, *name: str | int) -> tuple[Example, ...]:
    items = _items(examples)
    draws = stream("subset", *name)
    order = draws.permutation(len(items))
    chosen = _in_proportion(order, _labels(examples, len(items)), round(share * len(items)))
    wanted = {name for index in chosen for name in items[index]}
    matched = {name for item in items for name in item}
    others = [e.id for e in examples if e.id not in matched]
    kept = np.sort(draws.permutation(len(others))[: round(share * len(others))])
    wanted |= {others[index] for index in kept}
    return tuple(example for example in examples if example.id in wanted)


def _in_proportion(order: np.ndarray, labels: Sequence[str | None], number: int) -> np.ndarray:
    """The first `number` of `order` that leave every label its share, ascending.

    What rounding leaves over goes to the labels that lose most by it, in the order of their names.
    """
    sizes = Counter(labels)
    room = {label: number * size // len(labels) for label, size in sizes.items()}
    losers = sorted(sizes, key=lambda label: (-(number * sizes[label] % len(labels)), str(label)))
    for label in losers[: number - sum(room.values())]:
        room[label] += 1
    chosen = []
    for index in order:
        if room[labels[index]]:
            room[labels[index]] -= 1
            chosen.append(index)
    return np.sort(np.array(chosen, dtype=np.int64))


def _labels(examples: Sequence[Example], number: int) -> Sequence[str | None]:
    if examples and isinstance(examples[0], PairExample):
        return [example.label for example in examples if isinstance(example, PairExample)]
    return [None] * number


def _items(examples: Sequence[Example]) -> list[tuple[str, ...]]:
    """The ids that stand or fall together: a sentence and its translations, or one example."""
    if examples and isinstance(examples[0], SentenceExample):
        return [
            (example.id, *example.matches)
            for example in examples
            if isinstance(example, SentenceExample) and example.side == "source"
        ]
    return [(example.id,) for example in examples]

"""Fixed random subsets of examples, the same items in every language of a parallel task."""

import dataclasses

import numpy as np

from dstilts.core.random_numbers import stream
from dstilts.tasks.examples import ExampleSet, SentenceExample


def take(examples: ExampleSet, limit: int | None, seed: int) -> ExampleSet:
    """At most `limit` examples (of retrieval tasks: pairs), in their own order.

    The draw depends on the seed, the task, the split and the number of examples, not on the
    language: parallel languages keep the same items.
    """
    items = _items(examples)
    if limit is None or limit >= len(items):
        return examples
    draws = stream("subset", seed, examples.task, examples.split)
    chosen = np.sort(draws.permutation(len(items))[:limit])
    wanted = {name for index in chosen for name in items[index]}
    note = f"{limit} of {len(items)}, drawn with seed {seed}"
    return dataclasses.replace(
        examples,
        examples=tuple(example for example in examples.examples if example.id in wanted),
        subset=f"{note}; {examples.subset}" if examples.subset else note,
    )


def _items(examples: ExampleSet) -> list[tuple[str, ...]]:
    """The ids that stand or fall together: a sentence and its translations, or one example."""
    first = examples.examples[0] if examples.examples else None
    if isinstance(first, SentenceExample):
        return [
            (example.id, *example.matches)
            for example in examples.examples
            if isinstance(example, SentenceExample) and example.side == "source"
        ]
    return [(example.id,) for example in examples.examples]

"""The training set of a task: English, without what it is evaluated on; joined where it has parts.

Masked language modelling is the one task that trains on many languages.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.random_numbers import stream
from dstilts.tasks.catalog import TASKS, TaskSpec, task
from dstilts.tasks.examples import Example, ExampleSet, TaggingExample
from dstilts.tasks.leakage import without_leaks
from dstilts.tasks.source import Source

MANY_LANGUAGES = "mul"  # ISO 639-2: multiple languages
# Of the sizes of languages when mlm mixes them: XLM-R's (arXiv 1911.02116); 1 leaves them as they
# are, 0 makes all languages equal.
LANGUAGE_SMOOTHING = 0.3

TrainingSplit = Literal["train", "dev"]

# Training sets by source and task: the phases of one launch ask for the same ones again.
_kept: dict[str, ExampleSet] = {}


def training_set(
    source: Source,
    task_name: str,
    languages: Sequence[str] = (),
    smoothing: float = LANGUAGE_SMOOTHING,
    split: TrainingSplit = "train",
) -> ExampleSet:
    """The training set of a task, less what stands in an evaluation set that it trains for.

    Published splits overlap: Universal Dependencies' English sets share short sentences. What is
    left out is counted in the set's `subset`.

    Args:
        languages: of mlm; empty: all that the source has.
        smoothing: of mlm: the exponent of the languages' sizes in the mixture.
        split: "dev" trains on the English dev set, where a source has no other one.

    Raises:
        UserError: the source has no such set, or one of its files is broken.
    """
    key = short_key([source.identity(), task_name, list(languages), smoothing, split])
    if key not in _kept:
        spec = task(task_name)
        if spec.parts:
            _kept[key] = _joined(
                task_name, [training_set(source, part, split=split) for part in spec.parts]
            )
        else:
            training = _load(source, spec, languages, smoothing, split)
            _kept[key] = without_leaks(training, _evaluated_by(source, task_name, split))
    return _kept[key]


def with_labels(spec: TaskSpec, training: ExampleSet) -> TaskSpec:
    """The task with the labels of its training set, where the catalog leaves them open."""
    if not spec.open_labels:
        return spec
    examples = [e for e in training.examples if isinstance(e, TaggingExample)]
    labels = sorted({tag for example in examples for tag in example.tags})
    return dataclasses.replace(spec, labels=tuple(labels))


def _evaluated_by(source: Source, task_name: str, trained: TrainingSplit) -> Iterator[ExampleSet]:
    """Every evaluation set, in all languages, of the tasks that a training set trains."""
    for spec in TASKS.values():
        if task_name in (spec.name, spec.train_task) and not spec.parts:
            splits = ("test",) if (spec.name, trained) == (task_name, "dev") else ("dev", "test")
            for split in splits:
                for language in source.languages(spec.name, split):
                    yield source.load(spec.name, split, language)


def _load(
    source: Source,
    spec: TaskSpec,
    languages: Sequence[str],
    smoothing: float,
    split: TrainingSplit,
) -> ExampleSet:
    if spec.kind != "mlm":
        return _said(source.load(spec.name, split, "en"), split)
    there = source.languages(spec.name, "train")
    for code in languages:
        if code not in there:
            raise UserError(
                f"the source {source.name!r} has no raw text in {code!r}",
                remedy=f"it has: {' '.join(there) or 'none'}",
            )
    sets = [source.load(spec.name, "train", code) for code in languages or there]
    if not sets:
        raise UserError(f"the source {source.name!r} has no raw text")
    return _smoothed(sets, smoothing)


def _said(training: ExampleSet, split: TrainingSplit) -> ExampleSet:
    if split == "train":
        return training
    note = f"the {split} set"
    return dataclasses.replace(
        training, subset=f"{note}, {training.subset}" if training.subset else note
    )


def _smoothed(sets: Sequence[ExampleSet], exponent: float) -> ExampleSet:
    """As many texts as all languages have together, in shares of their sizes to the exponent.

    Of a language that gets more than it has every text stands about equally often.
    """
    sizes = np.array([len(examples) for examples in sets], dtype=np.float64)
    shares = sizes**exponent / (sizes**exponent).sum()
    wanted = np.maximum(1, np.floor(shares * sizes.sum())).astype(int)
    mixed: list[Example] = []
    for examples, number in zip(sets, wanted.tolist(), strict=True):
        times, rest = divmod(number, len(examples))
        draws = stream("language smoothing", examples.language).permutation(len(examples))
        chosen = [*range(len(examples))] * times + np.sort(draws[:rest]).tolist()
        mixed += [
            dataclasses.replace(
                examples.examples[index], id=f"{examples.language}-{place // len(examples)}-{index}"
            )
            for place, index in enumerate(chosen)
        ]
    counts = " ".join(
        f"{examples.language} {number}/{len(examples)}"
        for examples, number in zip(sets, wanted.tolist(), strict=True)
    )
    return dataclasses.replace(
        sets[0],
        examples=tuple(mixed),
        files=tuple(file for examples in sets for file in examples.files),
        language=MANY_LANGUAGES if len(sets) > 1 else sets[0].language,
        subset=f"texts by language, drawn with smoothing {exponent:g}: {counts}",
    )


def _joined(name: str, sets: Sequence[ExampleSet]) -> ExampleSet:
    """The examples of several sets as one, ids under the name of their own."""
    first = sets[0]
    notes = [f"{examples.task}: {examples.subset}" for examples in sets if examples.subset]
    return ExampleSet(
        task=name,
        split=first.split,
        language=first.language,
        source=first.source,
        examples=tuple(
            dataclasses.replace(example, id=f"{examples.task}-{example.id}")
            for examples in sets
            for example in examples.examples
        ),
        subset="; ".join(notes) or None,
        files=tuple(file for examples in sets for file in examples.files),
    )

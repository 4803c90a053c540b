"""Few-shot mixes: some evaluation examples of target languages added to training, and taken out of
the evaluation sets."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dstilts.core.errors import UserError
from dstilts.core.random_numbers import stream
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TextExample,
)
from dstilts.tasks.leakage import overlap
from dstilts.tasks.readers.checks import is_unlabelled
from dstilts.tasks.source import Source
from dstilts.tasks.training_sets import MANY_LANGUAGES
from dstilts.tasks.transform.notes import annotated, require

_EVALUATION_SPLITS = ("dev", "test")


@dataclass(frozen=True)
class FewShot:
    """Which evaluation examples go to training."""

    task: str  # a name of the catalog, evaluated: "xnli"
    languages: tuple[str, ...]
    examples: int  # of each language
    split: Literal["dev", "test"] = "dev"
    seed: int = 1

    def __post_init__(self) -> None:
        require(bool(self.languages), "languages must not be empty")
        require(len(set(self.languages)) == len(self.languages), "languages must be different")
        require(self.examples > 0, "examples must be greater than 0")


def split_off(evaluation: ExampleSet, options: FewShot) -> tuple[ExampleSet, ExampleSet]:
    """The examples for training, and what stays for evaluation.

    Labels, where an example has one, are drawn equally often as far as there are enough. The draw
    depends on the seed, the task, the split and the number of examples, not on the language:
    parallel languages give the same items. What has the text of a chosen example, or is asked
    about its context, does not stay for evaluation either.

    Raises:
        UserError: there are no labels, or too few examples.
    """
    draws = stream("few shot", options.seed, evaluation.task, evaluation.split)
    order = draws.permutation(len(evaluation)).tolist()
    labels = {index: _label(evaluation.examples[index]) for index in order}
    usable = [index for index in order if labels[index] is not None]
    if len(usable) < options.examples:
        raise UserError(
            f"{len(usable)} labelled examples in the {evaluation.split} split of "
            f"{evaluation.task} ({evaluation.language}) where {options.examples} are wanted"
        )
    drawn = sorted(_in_turn(usable, [str(labels[index]) for index in usable])[: options.examples])
    note = f"{len(drawn)} of {len(evaluation)}, drawn with seed {options.seed}"
    chosen = annotated(evaluation, (evaluation.examples[index] for index in drawn), note)
    return chosen, without(evaluation, _shared(chosen, evaluation))


def without(evaluation: ExampleSet, ids: Set[str]) -> ExampleSet:
    """The evaluation set without these examples.

    Raises:
        UserError: nothing is left.
    """
    kept = [example for example in evaluation.examples if example.id not in ids]
    if len(kept) == len(evaluation):
        return evaluation
    if not kept:
        raise UserError(
            f"no {evaluation.split} example of {evaluation.task} ({evaluation.language}) is left "
            "for evaluation",
            remedy="take fewer examples for training",
        )
    note = f"less {len(evaluation) - len(kept)} given to training (few-shot)"
    return annotated(evaluation, kept, note)


def with_few_shot(
    training: ExampleSet, chosen: Sequence[ExampleSet], options: FewShot
) -> ExampleSet:
    """The training set with the chosen examples behind it; ids as in "xnli-dev-de-17".

    Raises:
        UserError: the two tasks are not trained alike.
    """
    spec, trained = task(options.task), task(training.task)
    alike = all(
        getattr(spec, key) == getattr(trained, key)
        for key in ("kind", "head", "labels", "num_choices")
    )
    if spec.train_task != training.task and not alike:
        raise UserError(
            f"{options.task} gives no examples to the training of {training.task}: "
            "it is not trained with the same head and labels"
        )
    added = [
        dataclasses.replace(example, id=f"{few.task}-{few.split}-{few.language}-{example.id}")
        for few in chosen
        for example in few.examples
    ]
    mixed = dataclasses.replace(
        training,
        language=MANY_LANGUAGES,
        files=(*training.files, *(file for few in chosen for file in few.files)),
    )
    counts = ", ".join(f"{few.language} {len(few)}" for few in chosen)
    note = (
        f"with {options.split} examples of {options.task}, drawn with seed {options.seed}: {counts}"
    )
    return annotated(mixed, (*training.examples, *added), note)


def chosen_sets(options: FewShot, source: Source) -> list[ExampleSet]:
    """The chosen examples of each language.

    Raises:
        UserError: the source lacks a language, or see `split_off`.
    """
    return [
        split_off(source.load(options.task, options.split, code), options)[0]
        for code in options.languages
    ]


def held_out(options: FewShot, source: Source) -> dict[tuple[str, str], frozenset[str]]:
    """What the evaluation of `options.task` leaves out: ids by split and language.

    An item that training has in one language is left out in all: the sets of a parallel task have
    the same ids. In a task whose sets are not parallel, an id that two languages share costs the
    other language an example.
    """
    chosen = chosen_sets(options, source)
    items = {
        name
        for few in chosen
        for name in _shared(few, source.load(options.task, options.split, few.language))
    }
    found = {}
    for evaluation in _evaluated(options.task, source):
        ids = {name for few in chosen for name in _shared(few, evaluation)}
        if evaluation.split == options.split:
            ids |= items.intersection(example.id for example in evaluation.examples)
        if ids:
            found[evaluation.split, evaluation.language] = frozenset(ids)
    return found


def _evaluated(name: str, source: Source) -> Iterator[ExampleSet]:
    for split in _EVALUATION_SPLITS:
        for language in source.languages(name, split):
            yield source.load(name, split, language)


def _shared(chosen: ExampleSet, evaluation: ExampleSet) -> set[str]:
    """The evaluation examples with the text of a chosen one, or its context."""
    contexts = {e.context for e in chosen.examples if isinstance(e, SpanExample)}
    about = {
        e.id for e in evaluation.examples if isinstance(e, SpanExample) and e.context in contexts
    }
    return about.union(overlap(chosen, evaluation))


def _label(example: Example) -> str | None:
    """What is balanced: the label, or "" where examples have none of a few; None: unlabelled."""
    if isinstance(example, SentenceExample | TextExample):
        raise UserError("few-shot examples are for tasks with labels, answers or tags")
    if is_unlabelled(example):
        return None
    return str(example.label) if isinstance(example, PairExample | ChoiceExample) else ""


def _in_turn(indices: Sequence[int], labels: Sequence[str]) -> list[int]:
    """The indices in their order, but of each label the first, then of each the second, ..."""
    seen: dict[str, int] = defaultdict(int)
    turns = []
    for label in labels:
        turns.append(seen[label])
        seen[label] += 1
    return [indices[place] for place in np.argsort(turns, kind="stable").tolist()]

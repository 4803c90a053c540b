"""Whether a model's predictions agree with logic (minimal pairs) and across languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import get_args

from dstilts.core.errors import UserError
from dstilts.evaluation.plan import EvaluationRequest
from dstilts.studies.predictions import Predictions, evaluate_more, read_predictions
from dstilts.studies.scores import StudyCell
from dstilts.studies.settings import StudySettings
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.metrics.consistency import logical_consistency, pairwise_consistency
from dstilts.tasks.phrasebook.format import available_languages
from dstilts.tasks.phrasebook.minimal_pairs import Kind, MinimalGroup, minimal_pairs
from dstilts.tasks.phrasebook.source import PhrasebookSource

FOLDER = "minimal_pairs"  # below a study's runs: predictions and records of the minimal pairs
MINIMAL_TASKS = ("xnli", "pawsx")
_SPLIT = "test"


@dataclass(frozen=True)
class Consistency:
    """A model in one language.

    Attributes:
        logical: the share of groups whose predictions obey their rule, mean over kinds, per cent.
        right: the share of groups all of whose predictions are right.
    """

    logical: float
    right: float


class MinimalPairs:
    """The minimal pairs as a source: for each task the first groups of every kind."""

    name = "minimal pairs"

    def __init__(self, groups: int) -> None:
        self._groups = groups

    def groups(self, task: str, language: str) -> list[MinimalGroup]:
        """The groups of all kinds that have this task's labels, the same in every language."""
        return [
            group
            for kind in get_args(Kind)
            for group in _all_groups(kind, language)[: self._groups]
            if group.task == task
        ]

    def tasks(self) -> tuple[str, ...]:
        """Those with minimal pairs."""
        return MINIMAL_TASKS

    def languages(self, task: str, split: str) -> tuple[str, ...]:
        """All of the phrasebook."""
        return available_languages() if task in self.tasks() and split == _SPLIT else ()

    def load(self, task: str, split: str, language: str) -> ExampleSet:
        """The pairs one after another.

        Raises:
            UserError: there are none of that task, split or language.
        """
        if language not in self.languages(task, split):
            raise UserError(f"no minimal pairs of {task} ({split}) in {language!r}")
        pairs = tuple(
            replace(pair, id=f"{group.kind}-{pair.id}")
            for group in self.groups(task, language)
            for pair in group.pairs
        )
        note = f"the first {self._groups} groups of each kind"
        return ExampleSet(task, split, language, self.name, pairs, subset=note)

    def identity(self) -> dict[str, object]:
        """Of the phrasebook's edition."""
        edition = PhrasebookSource().identity()["edition"]
        return {"name": self.name, "edition": edition, "groups": self._groups}


@lru_cache(maxsize=256)
def _all_groups(kind: Kind, language: str) -> tuple[MinimalGroup, ...]:
    return minimal_pairs(kind, language, "test")


def predict_minimal_pairs(
    settings: StudySettings, cells: Sequence[StudyCell], groups: int, runs: Path
) -> None:
    """Evaluates every model that has the labels of a task with minimal pairs on them."""
    source = MinimalPairs(groups)
    requests = [
        EvaluationRequest(cell.model, (name,), _languages(settings, source, name))
        for cell in cells
        for name in cell.evaluate
        if name in source.tasks()
    ]
    if requests:
        evaluate_more(requests, source, runs / FOLDER, settings)


def logical(runs: Path, key: str, task: str, groups: int) -> dict[str, Consistency]:
    """By language how a model's predictions for the minimal pairs agree with logic.

    Raises:
        UserError: no predictions.
    """
    source = MinimalPairs(groups)
    return {
        language: _of_groups(source.groups(task, language), predictions)
        for (language, _), predictions in read_predictions(runs / FOLDER, key, task).items()
    }


def agreement_with_english(predictions: Mapping[str, Predictions]) -> dict[str, float]:
    """By language the share of parallel items predicted as in English, per cent.

    Empty without English, or where the languages do not have the same items.
    """
    english = predictions.get("en")
    if english is None or any(found.keys() != english.keys() for found in predictions.values()):
        return {}
    rest = {code: found for code, found in predictions.items() if code != "en"}
    return {
        code: pairwise_consistency({"en": english, code: found})["en", code]
        for code, found in rest.items()
    }


def _of_groups(groups: Sequence[MinimalGroup], predictions: Predictions) -> Consistency:
    labelled = [
        (group, [predictions[f"{group.kind}-{pair.id}"] for pair in group.pairs])
        for group in groups
    ]
    obeyed = logical_consistency([(group.kind, one, other) for group, (one, other) in labelled])
    right = [
        all(pair.label == label for pair, label in zip(group.pairs, labels, strict=True))
        for group, labels in labelled
    ]
    return Consistency(fmean(obeyed.values()), 100 * fmean(right))


def _languages(settings: StudySettings, source: MinimalPairs, task: str) -> tuple[str, ...] | None:
    wanted = settings.evaluation.languages
    there = source.languages(task, _SPLIT)
    return tuple(code for code in wanted if code in there) or None

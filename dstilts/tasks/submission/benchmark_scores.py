"""The scores of a folder of predictions: by language, task and group, and over all tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from dstilts.core.errors import UserError
from dstilts.core.registry import unknown
from dstilts.tasks.benchmarks import BENCHMARKS, Benchmark
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.submission.layout import languages_in
from dstilts.tasks.submission.scores import file_scores


@dataclass(frozen=True)
class TaskScores:
    """One task.

    Attributes:
        languages: the metrics of each language that is there.
        missing: the benchmark's languages that are not there.
    """

    languages: Mapping[str, Mapping[str, float]]
    missing: tuple[str, ...]

    @property
    def average(self) -> dict[str, float]:
        """The unweighted mean of each metric over the languages, English included."""
        found = list(self.languages.values())
        return {name: fmean(metrics[name] for metrics in found) for name in found[0]}

    @property
    def score(self) -> float:
        """What counts: the mean of exact match and F1 for answers, the first metric elsewhere."""
        average = self.average
        if "exact_match" in average:
            return (average["exact_match"] + average["f1"]) / 2
        return next(iter(average.values()))


@dataclass(frozen=True)
class BenchmarkScores:
    """All tasks that are there; those of the other benchmark are scored, and not counted."""

    benchmark: Benchmark
    tasks: Mapping[str, TaskScores]

    @property
    def missing(self) -> tuple[str, ...]:
        """The tasks of which something is not there."""
        names = self.benchmark.tasks
        return tuple(n for n in names if n not in self.tasks or self.tasks[n].missing)

    @property
    def groups(self) -> dict[str, float | None]:
        """The mean over the tasks of each group; None where one of them is missing."""
        return {name: self._mean(tasks) for name, tasks in self.benchmark.groups.items()}

    @property
    def overall(self) -> float | None:
        """The mean over all tasks, not over the groups; None where one is missing."""
        return self._mean(self.benchmark.tasks)

    def _mean(self, names: tuple[str, ...]) -> float | None:
        if any(name in self.missing for name in names):
            return None
        return fmean(self.tasks[name].score for name in names)

    def table(self) -> dict[str, Any]:
        """The scores as they are written."""
        return {
            "tasks": {
                name: {
                    "languages": {code: dict(m) for code, m in found.languages.items()},
                    "average": found.average,
                    "score": found.score,
                }
                for name, found in self.tasks.items()
            },
            "groups": self.groups,
            "overall": self.overall,
            "missing": list(self.missing),
        }


def score_folder(
    predictions: Path, labels: Path, benchmark: Benchmark | None = None
) -> BenchmarkScores:
    """Scores every task that has a folder among the predictions.

    Args:
        benchmark: without it XTREME, unless of the two only XTREME-R has all tasks that are there.

    Raises:
        UserError: a folder or file is missing, broken or unknown.
    """
    for folder in (predictions, labels):
        if not folder.is_dir():
            raise UserError("no such folder", file=folder)
    folders = sorted(p for p in predictions.iterdir() if p.is_dir() and p.name[0] != ".")
    if not folders:
        raise UserError(
            "no task's folder here", file=predictions, remedy="it holds xnli/test-de.tsv and so on"
        )
    chosen = benchmark or _fitting({folder.name for folder in folders})
    found = {folder.name: _task_scores(folder, labels, chosen) for folder in folders}
    order = [name for name in dict.fromkeys((*chosen.tasks, *found)) if name in found]
    return BenchmarkScores(chosen, {name: found[name] for name in order})


def _fitting(names: set[str]) -> Benchmark:
    first, other = BENCHMARKS.values()
    return other if names <= set(other.tasks) and not names <= set(first.tasks) else first


def _task_scores(folder: Path, labels: Path, benchmark: Benchmark) -> TaskScores:
    known = (benchmark, *BENCHMARKS.values())
    languages = {name: codes for b in reversed(known) for name, codes in b.languages.items()}
    if folder.name not in languages:
        raise unknown("task of a benchmark", folder.name, languages)
    spec = TASKS[folder.name]
    if not (labels / folder.name).is_dir():
        raise UserError(f"no labels of {folder.name}", file=labels / folder.name)
    gold = languages_in(labels / folder.name, spec)
    guessed = languages_in(folder, spec)
    if not guessed:
        raise UserError("an empty folder", file=folder)
    wanted = languages[folder.name]
    for code, path in guessed.items():
        if code not in gold:
            raise UserError(
                "no labels for these predictions", file=path, remedy=f"see {labels / folder.name}"
            )
    counted = {code: path for code, path in guessed.items() if code in wanted}
    if not counted:
        raise UserError(f"none of {benchmark.title}'s languages of {spec.name}", file=folder)
    return TaskScores(
        {code: file_scores(spec, code, path, gold[code]) for code, path in counted.items()},
        tuple(code for code in wanted if code not in counted),
    )

"""The scores of a folder of predictions: by language, task and group, and over all tasks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from dstilts.core.errors import UserError
from dstilts.core.registry import unknown
from dstilts.tasks.benchmarks import BENCHMARKS, Benchmark
from dstilts.tasks.catalog import TASKS, TaskSpec
from dstilts.tasks.submission.layout import file_in, file_name, languages_in
from dstilts.tasks.submission.scores import FileScores, file_scores

Files = Mapping[str, Mapping[str, Path]]  # task -> language -> file of predictions


@dataclass(frozen=True)
class TaskScores:
    """One task.

    Attributes:
        files: the scores of each language that is there.
        missing: the benchmark's languages that are not there.
        extra: languages that are there and that the benchmark does not have; they are not scored.
    """

    files: Mapping[str, FileScores]
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def languages(self) -> dict[str, Mapping[str, float]]:
        """The metrics of each language that is there."""
        return {code: found.metrics for code, found in self.files.items()}

    @property
    def average(self) -> dict[str, float]:
        """The unweighted mean of each metric over the languages that are there, with English."""
        found = list(self.languages.values())
        return {name: fmean(metrics[name] for metrics in found) for name in found[0]}

    @property
    def score(self) -> float:
        """What counts: the mean of exact match and F1 for answers, the first metric elsewhere."""
        average = self.average
        if "exact_match" in average:
            return (average["exact_match"] + average["f1"]) / 2
        return next(iter(average.values()))

    def notes(self) -> Iterator[str]:
        """What a reader of the numbers has to know."""
        if self.missing:
            yield f"missing languages: {' '.join(self.missing)}"
        if self.extra:
            yield f"not of the benchmark, not scored: {' '.join(self.extra)}"
        for code, found in self.files.items():
            if found.num_unanswered:
                yield (
                    f"{code}: {found.num_unanswered} of {found.num_questions} questions have no "
                    "prediction and score 0"
                )


@dataclass(frozen=True)
class BenchmarkScores:
    """All tasks that are there; those of the other benchmark are scored, and not counted."""

    benchmark: Benchmark
    tasks: Mapping[str, TaskScores]

    @property
    def missing(self) -> tuple[str, ...]:
        """The benchmark's tasks that are not there, or not in all of its languages."""
        names = self.benchmark.tasks
        return tuple(n for n in names if n not in self.tasks or self.tasks[n].missing)

    @property
    def groups(self) -> dict[str, float]:
        """The mean over the tasks of each group of which, as in the official script, no task is
        missing."""
        means = {name: self._mean(tasks) for name, tasks in self.benchmark.groups.items()}
        return {name: mean for name, mean in means.items() if mean is not None}

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
        benchmark: without it XTREME, unless XTREME lacks a task or language that is there and
            XTREME-R has all of them.

    Raises:
        UserError: a folder or file is missing, broken or unknown; predictions have no labels.
    """
    for folder in (predictions, labels):
        if not folder.is_dir():
            raise UserError(
                "no such folder", file=folder, remedy="it holds xnli/test-de.tsv and so on"
            )
    files = _files(predictions)
    chosen = benchmark or _fitting(files)
    order = [name for name in dict.fromkeys((*chosen.tasks, *files)) if name in files]
    return BenchmarkScores(
        chosen, {name: _task_scores(name, files[name], labels / name, chosen) for name in order}
    )


def _files(predictions: Path) -> Files:
    known = dict.fromkeys(name for b in BENCHMARKS.values() for name in b.tasks)
    files = {}
    for folder in sorted(predictions.iterdir()):
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        if folder.name not in known:
            raise unknown("task of a benchmark", folder.name, known, file=folder)
        files[folder.name] = languages_in(folder, TASKS[folder.name])
        if not files[folder.name]:
            raise UserError(
                "an empty folder",
                file=folder,
                remedy=f"it holds {file_name(TASKS[folder.name], 'LANGUAGE')}",
            )
    if not files:
        raise UserError(
            "no task's folder here", file=predictions, remedy="it holds xnli/test-de.tsv and so on"
        )
    return files


def _fitting(files: Files) -> Benchmark:
    first, other = BENCHMARKS["xtreme"], BENCHMARKS["xtreme-r"]
    return other if _has_all(other, files) and not _has_all(first, files) else first


def _has_all(benchmark: Benchmark, files: Files) -> bool:
    languages = benchmark.languages
    return all(set(found) <= set(languages.get(name, ())) for name, found in files.items())


def _task_scores(
    name: str, predictions: Mapping[str, Path], labels: Path, benchmark: Benchmark
) -> TaskScores:
    """The scores of a task in the languages that it has in the benchmark, or else in the other."""
    spec = TASKS[name]
    benchmarks = (benchmark, *BENCHMARKS.values())
    wanted = next(b.languages[name] for b in benchmarks if name in b.languages)
    counted = {code: predictions[code] for code in wanted if code in predictions}
    if not counted:
        folder = next(iter(predictions.values())).parent
        raise UserError(
            f"none of {benchmark.title}'s languages of {name}",
            file=folder,
            remedy=f"it has: {' '.join(wanted)}",
        )
    return TaskScores(
        files={
            code: file_scores(spec, code, path, _labels_of(spec, code, path, labels))
            for code, path in counted.items()
        },
        missing=tuple(code for code in wanted if code not in counted),
        extra=tuple(code for code in predictions if code not in wanted),
    )


def _labels_of(spec: TaskSpec, language: str, predictions: Path, folder: Path) -> Path:
    found = file_in(folder, spec, language)
    if found is None:
        expected = folder / file_name(spec, language)
        raise UserError(
            "no labels for these predictions",
            file=predictions,
            remedy=f"put them at {expected}, or take the predictions out",
        )
    return found

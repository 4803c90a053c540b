"""Benchmarks: which tasks in which languages make their averages, and the groups of tasks."""

from collections.abc import Mapping
from dataclasses import dataclass

from dstilts.core.registry import lookup
from dstilts.tasks.catalog import TASKS

# What XTREME-R added to tasks that XTREME has.
_ADDED_LANGUAGES: dict[str, tuple[str, ...]] = {
    "udpos": ("lt", "pl", "ro", "uk", "wo"),
    "panx": ("az", "gu", "lt", "pa", "pl", "qu", "ro", "uk"),
    "xquad": ("ro",),
    "tatoeba": ("az", "lt", "pl", "ro", "uk"),
}


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        languages: by task, those its average is taken over, English included where it is there.
        groups: by group of tasks, its tasks; the overall score is the mean of the tasks, not of
            the groups.
    """

    name: str
    title: str
    languages: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[str, ...]]

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.languages)


def _xtreme_languages(task: str) -> tuple[str, ...]:
    added = _ADDED_LANGUAGES.get(task, ())
    return tuple(code for code in TASKS[task].languages if code not in added)


# Source: evaluate.py of the benchmarks' repository.
BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(
            name="xtreme",
            title="XTREME",
            languages={
                task: _xtreme_languages(task)
                for task in ("pawsx xnli udpos panx xquad mlqa tydiqa bucc2018 tatoeba".split())
            },
            groups={
                "classification": ("pawsx", "xnli"),
                "tagging": ("udpos", "panx"),
                "qa": ("xquad", "mlqa", "tydiqa"),
                "retrieval": ("bucc2018", "tatoeba"),
            },
        ),
        Benchmark(
            name="xtreme-r",
            title="XTREME-R",
            languages={
                task: TASKS[task].languages
                for task in (
                    "xnli xcopa udpos panx xquad mlqa tydiqa tatoeba mewslix lareqa".split()
                )
            },
            groups={
                "classification": ("xnli", "xcopa"),
                "tagging": ("udpos", "panx"),
                "qa": ("xquad", "mlqa", "tydiqa"),
                "retrieval": ("tatoeba", "mewslix", "lareqa"),
            },
        ),
    )
}


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UserError: there is none; the message carries the nearest known name.
    """
    return lookup("benchmark", name, BENCHMARKS)

"""`dstilts bench farm`: the farm beside the sequential loop of the benchmark's scripts, in one run.

Each run is processes of its own, from their start to the last score; both sides read the same
examples, tokenise them, and run the same model in the same precision on the same number of threads.
"""

import dataclasses
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dstilts.bench.farm_data import StoredSets, bench_sets, num_asked, publish_model
from dstilts.bench.farm_report import LOOP, FarmRun, report
from dstilts.bench.farm_side import FarmJob
from dstilts.bench.job import BenchPrecision
from dstilts.bench.launch import launch
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.tasks.benchmarks import BENCHMARKS
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.open_source import open_source

_MEMORY_LANGUAGES = (1, 4, 12)  # and then all: that a worker's memory does not grow with them


@dataclass(frozen=True)
class FarmPlan:
    """What is evaluated, and by how many workers."""

    data: Path | None = None  # a folder of data sets; None: the phrasebook
    tasks: tuple[str, ...] = BENCHMARKS["xtreme"].tasks
    languages: tuple[str, ...] | None = None  # None: XTREME's, of those that the source has
    one_in: int = 300  # so many examples of each set stand for one
    encoder: str = "default"
    workers: tuple[int, ...] = (1, 2, 4)
    loop: bool = True  # without it more examples can be had in the same time
    threads: int = field(default_factory=lambda: max(1, len(os.sched_getaffinity(0)) // 2))
    rounds: int = 2
    precision: BenchPrecision = "fp32"
    seed: int = 1
    timeout_minutes: float = 60.0  # of one run


def measure_farm(plan: FarmPlan, out: Path, work: Path | None = None) -> dict[str, Any]:
    """Runs all sides in turn, round after round; writes `out` after every run and returns it.

    Args:
        work: for jobs, logs and records; without it a temporary folder, removed at the end.

    Raises:
        UserError: a mistake in what was asked for.
        RunError: a side failed.
    """
    with tempfile.TemporaryDirectory(prefix="dstilts-bench-") as temporary:
        folder = (work or Path(temporary)).resolve()
        source = open_source("local" if plan.data else "phrasebook", plan.data)
        sets = bench_sets(source, plan.tasks, plan.languages, plan.one_in, plan.seed)
        StoredSets.write(folder / "sets", sets)
        plan = dataclasses.replace(plan, tasks=tuple(dict.fromkeys(s.task for s in sets)))
        options = _job(plan, folder, Side(LOOP, 1)).options
        publish_model(folder / "model", plan.encoder, sets, options, plan.seed)
        facts = {"machine": _machine(plan, folder), "tasks": _facts(sets)}
        runs: list[FarmRun] = []
        for number in range(1, plan.rounds + 1):
            for side in _sides(plan, sets, is_last=number == plan.rounds):
                runs.append(_run(plan, folder, side, number))
                log(f"round {number} of {plan.rounds}: {runs[-1].words}")
                result = report(dataclasses.asdict(plan), facts, runs)
                write_json(out, result)
            # The examples of one round are tokenised once: the first to come pays.
            shutil.rmtree(_cache(folder, number), ignore_errors=True)
    return result


@dataclass(frozen=True)
class Side:
    """What is run: the loop or the farm, with so many workers, in some languages or all."""

    name: str
    workers: int
    languages: tuple[str, ...] | None = None


def _sides(plan: FarmPlan, sets: Sequence[ExampleSet], is_last: bool) -> list[Side]:
    """The runs of a round; memory on a few languages is measured once, and in processes."""
    sides = [Side("farm", workers) for workers in sorted(plan.workers)]
    if plan.loop:
        sides.insert(0, Side(LOOP, 1))
    several = next((workers for workers in sorted(plan.workers) if workers > 1), None)
    if not is_last or several is None:
        return sides
    codes = _commonest(sets)
    fewer = [number for number in _MEMORY_LANGUAGES if number < len(codes)]
    return [*sides, *(Side(f"languages: {n}", several, codes[:n]) for n in fewer)]


def _machine(plan: FarmPlan, folder: Path) -> dict[str, Any]:
    file = folder / "machine.json"
    launch(
        "dstilts.bench.machine",
        [plan.precision, str(file)],
        launcher="torchrun",
        ranks=1,
        threads=plan.threads,
        log=folder / "machine.txt",
        timeout=60 * plan.timeout_minutes,
    )
    facts: dict[str, Any] = read_json(file)
    return facts


def _facts(sets: Sequence[ExampleSet]) -> dict[str, Any]:
    """By task the languages, the examples taken of each, and of which split."""
    facts: dict[str, Any] = {}
    for examples in sets:
        found = facts.setdefault(examples.task, {})
        found[examples.language] = {
            "split": examples.split,
            "num_examples": num_asked(examples),
            "subset": examples.subset,
        }
    return facts


def _cache(folder: Path, number: int) -> Path:
    return folder / f"cache-{number}"


def _job(plan: FarmPlan, folder: Path, side: Side, number: int = 0) -> FarmJob:
    return FarmJob(
        side=LOOP if side.name == LOOP else "farm",
        workers=side.workers,
        threads=plan.threads,
        precision=plan.precision,
        model=folder / "model",
        sets=folder / "sets",
        tasks=plan.tasks,
        cache=_cache(folder, number),
        output=folder / f"{number}-{side.name.replace(': ', '-')}-{side.workers}",
        languages=side.languages,
    )


def _run(plan: FarmPlan, folder: Path, side: Side, number: int) -> FarmRun:
    """One run of one side; its records are removed at once, what it found is kept."""
    job = _job(plan, folder, side, number)
    job.output.mkdir()
    job.write(job.output / "job.json")
    before, begun = _cpu_seconds(), time.time()
    launch(
        "dstilts.bench.farm_side",
        [str(job.output / "job.json")],
        launcher="torchrun",
        ranks=1,
        threads=plan.threads,
        log=job.output / "log.txt",
        timeout=60 * plan.timeout_minutes,
    )
    ended, cpu_seconds = time.time(), _cpu_seconds() - before
    shutil.rmtree(job.output / "runs", ignore_errors=True)
    result = read_json(job.output / "result.json")
    return FarmRun.of(side.name, side.workers, begun, ended, cpu_seconds, result)


def _commonest(sets: Sequence[ExampleSet]) -> tuple[str, ...]:
    """All languages, those of most tasks first."""
    codes = [examples.language for examples in sets]
    return tuple(sorted(set(codes), key=lambda code: (-codes.count(code), code)))


def _cpu_seconds() -> float:
    """Of all processes that were started from here and have ended, and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime

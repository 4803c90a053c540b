"""`dstilts bench train`: dstilts and its peers on the same work, in turn, in one run."""

import dataclasses
import importlib.util
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from dstilts.bench.comparison import AT_HAND, MAX_LENGTHS, Comparison
from dstilts.bench.examples import make_sets, read_sets
from dstilts.bench.job import Job, read_results, write_examples
from dstilts.bench.launch import launch
from dstilts.bench.report import Run, report
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup


def compare(comparison: Comparison, out: Path, work: Path | None = None) -> dict[str, Any]:
    """Runs all sides in turn, round after round; writes `out` after every run and returns it.

    Args:
        work: for jobs, logs and models; without it a temporary folder, removed at the end.

    Raises:
        UserError: a mistake in what was asked for.
        RunError: a side failed.
    """
    _check_packages(comparison)
    with tempfile.TemporaryDirectory(prefix="dstilts-bench-") as temporary:
        folder = (work or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        encoder = comparison.starting_encoder(folder)
        begin = time.perf_counter()
        data = {name: _prepare(comparison, name, encoder, folder) for name in comparison.tasks}
        seconds = round(time.perf_counter() - begin, 2)
        facts = {"machine": _machine(comparison, folder), "tasks": data, "prepare_seconds": seconds}
        tokens = {name: found["micro_batch_tokens"] for name, found in data.items()}
        runs: list[Run] = []
        for job in comparison.jobs(encoder, tokens, folder):
            runs.append(_run(job, comparison, data[job.task]["mean_length"]))
            rate = runs[-1].examples_per_second
            log(f"{job.task}: {job.side}, {job.ranks} ranks: {rate:.1f} examples/s")
            write_json(out, report(comparison, facts, runs))
    return report(comparison, facts, runs)


def _check_packages(comparison: Comparison) -> None:
    needs = [side for side in comparison.sides if side.startswith("trainer")]
    if needs and importlib.util.find_spec("accelerate") is None:
        raise UserError(
            f"the sides {', '.join(needs)} need the package accelerate",
            remedy="pip install 'dstilts[bench]', or name other --sides",
        )


def _machine(comparison: Comparison, folder: Path) -> dict[str, Any]:
    file = folder / "machine.json"
    launch(
        "dstilts.bench.machine",
        [comparison.precision, str(file)],
        launcher="torchrun",
        ranks=1,
        threads=comparison.threads,
        log=folder / "machine.txt",
        timeout=60 * comparison.timeout_minutes,
    )
    facts: dict[str, Any] = read_json(file)
    return facts


def _prepare(comparison: Comparison, name: str, encoder: str, folder: Path) -> dict[str, Any]:
    """Writes a task's examples, fills the cache of token rows; returns what the report says.

    Mistakes of the user are found here, before anything runs.
    """
    from dstilts.bench.ours import budget, phase_of
    from dstilts.engine.data import token_rows
    from dstilts.engine.parent import check_lengths
    from dstilts.models.encoder import load_encoder

    job = comparison.job(name, encoder, folder)
    phases = {n: phase_of(dataclasses.replace(job, ranks=n)) for n in comparison.ranks}
    phase = next(iter(phases.values()))
    least = comparison.num_examples
    counts = (least * AT_HAND, comparison.num_held_out, comparison.seed)
    if comparison.made_up:
        sets = make_sets(name, *counts)
    else:
        sets = read_sets(name, comparison.data, *counts, least=least)
    for part, examples in zip(("training", "held-out"), sets, strict=True):
        write_examples(folder / f"{name}-{part}.json", examples)
    bundle = load_encoder(encoder)
    check_lengths(phase.batch, bundle)
    rows, _ = token_rows(sets, bundle.tokenizer, phase.batch, ProcessGroup())
    return {
        "source": sets[0].source,
        "subset": sets[0].subset,
        "num_at_hand": len(sets[0]),
        "num_rows": len(rows.rows),
        "num_held_out": len(sets[1]),
        "max_length": MAX_LENGTHS[name],
        "mean_length": round(float(rows.lengths.mean()), 1),
        "length_percentiles": {
            f"p{p}": int(np.percentile(rows.lengths, p)) for p in (10, 50, 90, 99)
        },
        "micro_batch_tokens": {
            ranks: budget(phase, rows, comparison.batch_size) for ranks, phase in phases.items()
        },
    }


def _run(job: Job, comparison: Comparison, mean_length: float) -> Run:
    """One run of one side, in processes of its own; its model is removed at once."""
    job.output.mkdir(parents=True)
    file = job.output / "job.json"
    job.write(file)
    begin = time.time()
    launch(
        "dstilts.bench.side",
        [str(file)],
        launcher="deepspeed" if job.side == "dstilts" else "torchrun",
        ranks=job.ranks,
        threads=comparison.threads // job.ranks,
        log=job.output / "log.txt",
        timeout=60 * comparison.timeout_minutes,
    )
    results = read_results(job.output, job.ranks)
    shutil.rmtree(job.output / "model", ignore_errors=True)
    return Run.of(job, results, begin, mean_length)

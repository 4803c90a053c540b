"""`dstilts bench memory`: what ZeRO's stages leave on a rank, beside the formula."""

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.bench.comparison import Comparison
from dstilts.bench.examples import make_sets
from dstilts.bench.job import BenchPrecision, Job, write_examples
from dstilts.bench.launch import launch
from dstilts.bench.zero_memory import zero_bytes
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.engine.phase import Offload

PARTS = ("parameters", "gradients", "master_weights", "moments")
_TASK, _NUM_STEPS, _BATCH_SIZE = "mnli", 3, 16


@dataclass(frozen=True)
class MemoryPlan:
    """What is measured: every stage on every number of ranks."""

    stages: tuple[int, ...] = (1, 2, 3)
    ranks: tuple[int, ...] = (2, 4)
    encoder: str = "default"
    shape: str | None = None  # of an encoder with random weights
    precision: BenchPrecision = "fp32"
    offload: Offload = "none"
    seed: int = 1
    timeout_minutes: float = 30.0  # of one launch


def measure_memory(plan: MemoryPlan, out: Path, work: Path | None = None) -> dict[str, Any]:
    """Launches the engine for each stage and number of ranks; writes `out` and returns it.

    Args:
        work: for jobs and logs; without it a temporary folder, removed at the end.

    Raises:
        UserError: a mistake in what was asked for.
        RunError: a launch failed.
    """
    with tempfile.TemporaryDirectory(prefix="dstilts-bench-") as temporary:
        folder = (work or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for stage, job in _jobs(plan, folder):
            rows.append(_measured(plan, stage, job))
            ratio = rows[-1]["ratio"]
            log(f"ZeRO {stage} on {job.ranks} ranks: {ratio:.3f} times the formula")
            write_json(out, _report(plan, rows))
    return _report(plan, rows)


def _report(plan: MemoryPlan, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "bench": "memory",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "settings": dataclasses.asdict(plan),
        "rows": rows,
    }


def _jobs(plan: MemoryPlan, folder: Path) -> Iterator[tuple[int, Job]]:
    comparison = Comparison(
        tasks=(_TASK,),
        encoder=plan.encoder,
        shape=plan.shape,
        num_examples=_NUM_STEPS * _BATCH_SIZE,
        batch_size=_BATCH_SIZE,
        precision=plan.precision,
        seed=plan.seed,
    )
    examples, _ = make_sets(_TASK, comparison.num_examples, 0, plan.seed)
    job = comparison.job(_TASK, comparison.starting_encoder(folder), folder)
    write_examples(job.examples, examples)
    for ranks in plan.ranks:
        for stage in plan.stages:
            overrides = (
                f"engine.zero_stage={stage}",
                f"engine.offload={plan.offload}",
                f"batch.micro_batches={2 * ranks}",
            )
            output = folder / f"stage-{stage}-ranks-{ranks}"
            yield stage, dataclasses.replace(job, ranks=ranks, output=output, overrides=overrides)


def _measured(plan: MemoryPlan, stage: int, job: Job) -> dict[str, Any]:
    """The row of one launch: what the fullest rank holds, and the formula of it, in bytes."""
    job.output.mkdir(parents=True)
    file = job.output / "job.json"
    job.write(file)
    launch(
        "dstilts.bench.memory_rank",
        [str(file)],
        launcher="deepspeed",
        ranks=job.ranks,
        threads=1,
        log=job.output / "log.txt",
        timeout=60 * plan.timeout_minutes,
    )
    ranks = [read_json(job.output / f"memory-{rank}.json") for rank in range(job.ranks)]
    fullest = max(ranks, key=lambda found: sum(found[part] for part in PARTS))
    expected = zero_bytes(
        fullest["num_trained"],
        precision=plan.precision,
        stage=stage,
        world_size=job.ranks,
        # Without a GPU what is taken to the host stays where it is.
        offload=plan.offload if fullest["on_gpu"] else "none",
    )
    return {
        "stage": stage,
        "ranks": job.ranks,
        "num_trained": fullest["num_trained"],
        "measured": {part: fullest[part] for part in PARTS},
        "formula": dataclasses.asdict(expected),
        "ratio": sum(fullest[part] for part in PARTS) / expected.total,
        "others": fullest["others"],
        "peak_above_base": max(found["peak_above_base"] for found in ranks),
    }


def table_lines(result: dict[str, Any]) -> list[str]:
    """The result for people, in MiB of the fullest rank: measured, and behind / the formula."""
    settings = result["settings"]
    encoder = " ".join(filter(None, (settings["encoder"], settings["shape"])))
    lines = [
        f"{encoder}, {settings['precision']}, offload {settings['offload']}; MiB of the fullest "
        "rank, measured / formula",
        f"{'stage':>5s} {'ranks':>5s} {'trained':>12s} "
        + " ".join(f"{part.replace('_', ' '):>17s}" for part in (*PARTS, "total"))
        + f" {'ratio':>6s} {'others':>7s} {'peak rise':>9s}",
    ]
    for row in result["rows"]:
        measured, formula = row["measured"], row["formula"]
        pairs = [(measured[part], formula[part]) for part in PARTS]
        pairs.append((sum(measured.values()), sum(formula.values())))
        cells = " ".join(f"{_mib(found):>8s} /{_mib(wanted):>7s}" for found, wanted in pairs)
        lines.append(
            f"{row['stage']:5d} {row['ranks']:5d} {row['num_trained']:12,d} {cells} "
            f"{row['ratio']:6.3f} {_mib(row['others']):>7s} {_mib(row['peak_above_base']):>9s}"
        )
    return lines


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f}"

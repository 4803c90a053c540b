"""From the runs of a comparison to its figures: medians and ratios, as JSON and as a table."""

import dataclasses
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dstilts.bench.comparison import Comparison
from dstilts.bench.job import Job, RankResult

OURS = "dstilts"
LABELS = {
    "dstilts": "dstilts",
    "trainer-full": "HF Trainer, padded to the full length",
    "trainer-longest": "HF Trainer, padded to the longest row",
    "trainer-grouped": "HF Trainer, grouped by length",
    "torch": "plain torch, padded to the longest row",
}
_MEDIANS = (
    "examples_per_second",
    "tokens_per_second",
    "padding_share",
    "model_flops",
    "peak_memory_gib",
    "startup_seconds",
    "last_loss",
    "held_out_loss",
)


@dataclass(frozen=True)
class Run:
    """One run of one side over all its ranks. Rates are of the timed steps."""

    task: str
    side: str
    ranks: int
    examples_per_second: float  # of average length: sides meet long rows at different times
    tokens_per_second: float  # without padding
    padding_share: float  # of the tokens computed
    model_flops: float  # a second, that the tokens without padding need
    seconds: float
    num_examples: int
    peak_memory_gib: float  # of the rank that has most
    startup_seconds: float  # from the start of the processes to the first step
    curve: list[list[float]]  # [examples seen, mean loss since the last point]
    last_loss: float  # the mean over the last quarter of the curve
    held_out_loss: float

    @classmethod
    def of(
        cls, job: Job, results: Sequence[RankResult], launched: float, mean_length: float
    ) -> "Run":
        """The run of all ranks' results.

        Args:
            launched: the time of day of its start.
            mean_length: tokens of a row of the task.
        """
        seconds = max(result.seconds for result in results)
        tokens = sum(result.num_tokens for result in results)
        examples = sum(result.num_examples for result in results)
        curve = results[0].curve
        tail = curve[-max(1, len(curve) // 4) :]
        held_out = results[0].held_out_loss
        assert held_out is not None
        return cls(
            task=job.task,
            side=job.side,
            ranks=job.ranks,
            examples_per_second=tokens / seconds / mean_length,
            tokens_per_second=tokens / seconds,
            padding_share=1 - tokens / sum(result.num_padded_tokens for result in results),
            model_flops=sum(result.flops for result in results) / seconds,
            seconds=seconds,
            num_examples=examples,
            peak_memory_gib=max(result.peak_memory for result in results) / 2**30,
            startup_seconds=results[0].begun - launched,
            curve=[[steps * job.batch_size, loss] for steps, loss in curve],
            last_loss=statistics.fmean(loss for _, loss in tail),
            held_out_loss=held_out,
        )


def report(comparison: Comparison, facts: dict[str, Any], runs: Sequence[Run]) -> dict[str, Any]:
    """The JSON of a comparison: settings, machine, and by task the sides and how they compare."""
    settings = dataclasses.asdict(comparison)
    settings["data"] = str(comparison.data) if comparison.data else None
    peak = float(facts["machine"]["matmul_flops"])
    has_gpu = bool(facts["machine"]["gpus"])
    tasks: dict[str, Any] = {}
    for name in comparison.tasks:
        of_task = [run for run in runs if run.task == name]
        sides: dict[str, Any] = {
            side: _side([run for run in of_task if run.side == side], peak, has_gpu)
            for side in comparison.sides
            if any(run.side == side for run in of_task)
        }
        tasks[name] = {**facts["tasks"][name], "sides": sides, "ratios": _ratios(sides)}
    return {
        "bench": "train",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": facts["machine"],
        "prepare_seconds": facts["prepare_seconds"],
        "settings": {**settings, "num_steps": comparison.num_steps},
        "tasks": tasks,
    }


def _side(runs: Sequence[Run], peak: float, has_gpu: bool) -> dict[str, Any]:
    """A side's medians on the number of ranks on which it is fastest, and all its runs."""
    rates = {ranks: _median(runs, ranks, _MEDIANS[0]) for ranks in {run.ranks for run in runs}}
    best = max(rates, key=lambda ranks: rates[ranks])
    medians = {name: _round(_median(runs, best, name)) for name in _MEDIANS}
    # The peak was measured on all threads of the run together, or on one of its GPUs.
    whole = peak * (best if has_gpu else 1)
    return {
        "label": LABELS[runs[0].side],
        "ranks": best,
        **medians,
        "mfu": _round(_median(runs, best, "model_flops") / whole),
        "examples_per_second_by_ranks": {str(n): _round(rate) for n, rate in sorted(rates.items())},
        "runs": [dataclasses.asdict(run) for run in runs],
    }


def _median(runs: Sequence[Run], ranks: int, name: str) -> float:
    return statistics.median(getattr(run, name) for run in runs if run.ranks == ranks)


def _ratios(sides: dict[str, Any]) -> dict[str, float]:
    """How many times as many examples a second dstilts takes as each other side."""
    if OURS not in sides:
        return {}
    ours = sides[OURS]["examples_per_second"]
    return {
        name: _round(ours / side["examples_per_second"])
        for name, side in sides.items()
        if name != OURS
    }


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def table_lines(result: dict[str, Any]) -> list[str]:
    """The result for people: one table a task."""
    machine = result["machine"]
    where = ", ".join(machine["gpus"]) or f"{machine['cpu']}, {machine['threads']} threads"
    settings = result["settings"]
    lines = [
        f"{settings['encoder']}{' ' + settings['shape'] if settings['shape'] else ''}, "
        f"{settings['precision']}, {settings['num_examples']} examples in "
        f"{settings['num_steps']} steps of {settings['batch_size']}, on {where} "
        f"({machine['matmul_flops'] / 1e9:.0f} GFLOP/s)"
    ]
    for name, task in result["tasks"].items():
        lines += ["", *_task_lines(name, task)]
    return lines


def _task_lines(name: str, task: dict[str, Any]) -> list[str]:
    head = (
        f"{name}: {task['source']}, {task['mean_length']} tokens on average, "
        f"{task['max_length']} at most"
    )
    columns = (
        f"{'':38s} {'ranks':>5s} {'examples/s':>10s} {'tokens/s':>9s} {'padding':>7s} "
        f"{'mfu':>6s} {'GiB':>6s} {'start s':>7s} {'loss':>7s} {'held out':>8s} {'ours is':>8s}"
    )
    lines = [head, columns]
    for side, found in task["sides"].items():
        ratio = task["ratios"].get(side)
        lines.append(
            f"{found['label']:38s} {found['ranks']:5d} {found['examples_per_second']:10.1f} "
            f"{found['tokens_per_second']:9.0f} {found['padding_share']:7.1%} "
            f"{found['mfu']:6.1%} {found['peak_memory_gib']:6.2f} {found['startup_seconds']:7.1f} "
            f"{found['last_loss']:7.4f} {found['held_out_loss']:8.4f} "
            + (f"{ratio:7.2f}x" if ratio else " " * 8)
        )
    return lines

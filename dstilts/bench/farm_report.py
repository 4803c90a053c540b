"""From the runs of the farm's bench to its figures: ratios, idle workers, memory, equal scores."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LOOP = "loop"
_MEMORY = ("peak_mib", "own_mib")
_FIGURES = ("seconds", "cpu_seconds", "start_seconds", "work_seconds", "idle_share", *_MEMORY)


@dataclass(frozen=True)
class FarmRun:
    """One run of one side.

    Attributes:
        seconds: from the start of the first process to the end of the last.
        cpu_seconds: of all processes.
        start_seconds: to the first batch of the loop, or the first shard of the farm.
        work_seconds: of the batches of the loop; from the begin of the first shard to the end of
            the last.
        idle_share: of the workers' time from the first shard to the last; None of the loop.
        peak_mib: of the process, or of the worker that had most, with the pages of mapped files
            (weights, token tables), which workers share.
        own_mib: without these: the most after any shard.
        result: what the side wrote.
    """

    side: str
    workers: int
    seconds: float
    cpu_seconds: float
    start_seconds: float
    work_seconds: float
    idle_share: float | None
    peak_mib: float
    own_mib: float
    result: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        side: str,
        workers: int,
        begun: float,
        ended: float,
        cpu_seconds: float,
        result: Mapping[str, Any],
    ) -> "FarmRun":
        """The run of what a side wrote, begun and ended at these times of day.

        Args:
            cpu_seconds: of the processes that were waited for.
        """
        busy = sum(shard["ended"] - shard["begun"] for shard in result["shards"])
        return cls(
            side=side,
            workers=workers,
            seconds=ended - begun,
            cpu_seconds=cpu_seconds + result["other_cpu_seconds"],
            start_seconds=result["begun"] - begun,
            work_seconds=result["seconds"],
            idle_share=1 - busy / (workers * result["seconds"]) if result["shards"] else None,
            peak_mib=result["peak"] / 2**20,
            own_mib=result["own"] / 2**20,
            result=result,
        )

    @property
    def name(self) -> str:
        """The side, and with how many workers."""
        return self.side if self.side == LOOP else f"{self.side}, {self.workers} workers"

    @property
    def words(self) -> str:
        """The run in one line."""
        return (
            f"{self.name}: {self.seconds:.1f} s, of which {self.work_seconds:.1f} s at work after "
            f"{self.start_seconds:.1f} s"
        )


def report(
    settings: dict[str, Any], facts: Mapping[str, Any], runs: Sequence[FarmRun]
) -> dict[str, Any]:
    """The JSON of all runs so far."""
    sides = {name: _figures([r for r in runs if r.name == name]) for name in _names(runs)}
    first = next((name for name in sides if name.startswith("farm")), None)
    return {
        "bench": "farm",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": facts["machine"],
        "settings": {**settings, "data": str(settings["data"]) if settings["data"] else None},
        "tasks": facts["tasks"],
        "tokens": {name: runs[0].result.get(name) for name in ("num_tokens", "num_padded_tokens")},
        "sides": sides,
        "loop_to_farm": _ratios(sides[LOOP], sides[first]) if first and LOOP in sides else None,
        "speedup": {
            name: _ratios(sides[first], figures)
            for name, figures in sides.items()
            if first and name.startswith("farm")
        },
        "scores": _compared(runs),
    }


def _names(runs: Sequence[FarmRun]) -> list[str]:
    return list(dict.fromkeys(run.name for run in runs))


def _figures(runs: Sequence[FarmRun]) -> dict[str, Any]:
    figures: dict[str, Any] = {"workers": runs[0].workers, "runs": len(runs)}
    for name in _FIGURES:
        values = [getattr(run, name) for run in runs]
        if None not in values:
            figures[name] = {
                "median": round(statistics.median(values), 4),
                "least": round(min(values), 4),
                "most": round(max(values), 4),
            }
    figures["num_shards"] = len(runs[0].result["shards"])
    if errors := [error for run in runs for error in _cost_errors(run.result["shards"])]:
        figures["cost_error"] = {
            "median": round(statistics.median(errors), 4),
            "p90": round(float(np.quantile(errors, 0.9)), 4),
        }
    return figures


def _cost_errors(shards: Sequence[Mapping[str, Any]]) -> list[float]:
    """How far the estimate of each shard is from what it took, relative to that.

    A worker's first shard is left out: the model is loaded in it.
    """
    first = {shard["worker"]: shard["begun"] for shard in reversed(_in_order(shards))}
    timed = (
        (s["expected"], s["ended"] - s["begun"]) for s in shards if s["begun"] not in first.values()
    )
    return [abs(expected - taken) / taken for expected, taken in timed]


def _in_order(shards: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(shards, key=lambda shard: shard["begun"])


def _ratios(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float]:
    """How many times as much time one side takes as the other, by medians."""
    names = ("seconds", "cpu_seconds", "work_seconds")
    return {name: round(one[name]["median"] / other[name]["median"], 3) for name in names}


def _compared(runs: Sequence[FarmRun]) -> dict[str, Any]:
    """How far the scores of all runs are from the first one's, the loop's where there is one, and
    what is predicted else."""
    first = runs[0].result
    others = [run.result for run in runs if run is not runs[0]]
    differences = [
        abs(value - first["scores"][title][metric])
        for found in others
        for title, metrics in found["scores"].items()
        for metric, value in metrics.items()
    ]
    differing = sorted(
        {
            title
            for found in others
            for title, predictions in found["predictions"].items()
            if _plain(predictions) != _plain(first["predictions"][title])
        }
    )
    return {
        "beside": runs[0].name,
        "num_scores": len(differences),
        "largest_difference": max(differences, default=0.0),
        "num_predictions": sum(map(len, first["predictions"].values())),
        "num_distinct": len({str(p) for ps in first["predictions"].values() for p in ps.values()}),
        "sets_with_other_predictions": differing,
    }


def _plain(predictions: Mapping[str, Any]) -> dict[str, Any]:
    """Predictions without the scores of mined pairs, whose last digits are those of rounding."""
    return {
        name: [part for part in found if not isinstance(part, float)]
        if isinstance(found, list)
        else found
        for name, found in predictions.items()
        if not isinstance(found, float)
    }


def table_lines(result: Mapping[str, Any]) -> list[str]:
    """The result for people."""
    machine, settings = result["machine"], result["settings"]
    lines = [
        f"{settings['encoder']}, {settings['precision']}, one in {settings['one_in']} examples of "
        f"{len(result['tasks'])} tasks, {settings['threads']} threads a worker, on "
        f"{machine['cpu']}",
        *_task_lines(result),
        "",
        f"{'':24s} {'seconds':>8s} {'range':>15s} {'cpu s':>8s} {'start s':>8s} {'work s':>8s} "
        f"{'idle':>6s} {'MiB':>7s} {'own':>7s} {'shards':>6s} {'cost error':>10s}",
    ]
    for name, side in result["sides"].items():
        spread = f"{side['seconds']['least']:.1f}-{side['seconds']['most']:.1f}"
        idle = f"{side['idle_share']['median']:6.1%}" if "idle_share" in side else " " * 6
        medians = [side[figure]["median"] for figure in _FIGURES if figure != "idle_share"]
        seconds, cpu, start, work, peak, own = medians
        error = f"{side['cost_error']['median']:10.1%}" if "cost_error" in side else ""
        lines.append(
            f"{name:24s} {seconds:8.1f} {spread:>15s} {cpu:8.1f} {start:8.1f} {work:8.1f} "
            f"{idle} {peak:7.0f} {own:7.0f} {side['num_shards']:6d} {error}"
        )
    return [*lines, "", *_ratio_lines(result)]


def _task_lines(result: Mapping[str, Any]) -> list[str]:
    lines = []
    tokens = result["tokens"]
    for name, languages in result["tasks"].items():
        number = sum(found["num_examples"] for found in languages.values())
        splits = "+".join(dict.fromkeys(found["split"] for found in languages.values()))
        text = f"{name}: {number} examples of {splits} in {len(languages)} languages"
        if tokens["num_tokens"]:
            own, padded = (tokens[kind][name] for kind in ("num_tokens", "num_padded_tokens"))
            text += f", {own:,} tokens, {padded / own:.2f} times as many with the loop's padding"
        lines.append(text)
    return lines


def _ratio_lines(result: Mapping[str, Any]) -> list[str]:
    words = "{seconds:.2f} in wall, {cpu_seconds:.2f} in cpu, {work_seconds:.2f} at work"
    scores = result["scores"]
    lines = []
    if result["loop_to_farm"]:
        lines.append("loop to farm: " + words.format(**result["loop_to_farm"]))
    lines += [f"{name}: " + words.format(**found) for name, found in result["speedup"].items()]
    lines.append(
        f"{scores['num_scores']} scores differ from those of {scores['beside']} by "
        f"{scores['largest_difference']:.3g} at most; sets with other predictions: "
        + (", ".join(scores["sets_with_other_predictions"]) or "none")
    )
    return lines

"""From runs to figures: counts over ranks, medians, the faster number of ranks, ratios, a table."""

import dataclasses
import json
from pathlib import Path

import pytest

from dstilts.bench.comparison import Comparison
from dstilts.bench.job import RankResult
from dstilts.bench.report import Run, report, table_lines

MACHINE = {"cpu": "a processor", "threads": 2, "gpus": [], "matmul_flops": 1e11}
FACTS = {
    "machine": MACHINE,
    "prepare_seconds": 1.0,
    "tasks": {"mnli": {"source": "made up", "mean_length": 40.0, "max_length": 128}},
}


def result(seconds: float, held_out: float | None = 0.7) -> RankResult:
    return RankResult(
        num_examples=50,
        num_tokens=1500,
        num_padded_tokens=2000,
        flops=1e10,
        seconds=seconds,
        peak_memory=3 << 30,
        begun=110.0,
        curve=[[1, 1.0], [2, 0.9], [3, 0.8], [4, 0.6]],
        held_out_loss=held_out,
    )


def run(side: str, seconds: float, ranks: int = 1) -> Run:
    comparison = Comparison(tasks=("mnli",))
    job = dataclasses.replace(comparison.job("mnli", "default", Path()), side=side, ranks=ranks)
    return Run.of(
        job, [result(seconds, 0.7 if rank == 0 else None) for rank in range(ranks)], 100, 30.0
    )


def test_ranks_add_up_and_the_slowest_counts() -> None:
    job = Comparison(tasks=("mnli",)).job("mnli", "default", Path())
    found = Run.of(job, [result(5.0), result(10.0, None)], launched=100.0, mean_length=60.0)
    # Whatever the lengths of the rows that were timed: 300 tokens a second are 5 average rows.
    assert found.examples_per_second == 5
    assert found.tokens_per_second == 300
    assert found.padding_share == 0.25
    assert found.model_flops == 2e9
    assert found.peak_memory_gib == 3
    assert found.startup_seconds == 10
    assert found.curve[0] == [32, 1.0]
    assert (found.last_loss, found.held_out_loss) == (0.6, 0.7)


def test_medians_and_ratios() -> None:
    comparison = Comparison(tasks=("mnli",), sides=("dstilts", "torch"), rounds=3)
    runs = [run("dstilts", s) for s in (1.0, 2.0, 50.0)] + [
        run("torch", s) for s in (4.0, 5.0, 6.0)
    ]
    found = report(comparison, FACTS, runs)["tasks"]["mnli"]
    assert found["sides"]["dstilts"]["examples_per_second"] == 25
    assert found["sides"]["torch"]["examples_per_second"] == 10
    assert found["ratios"] == {"torch": 2.5}
    assert len(found["sides"]["torch"]["runs"]) == 3


def test_a_side_is_reported_on_its_fastest_number_of_ranks() -> None:
    comparison = Comparison(tasks=("mnli",), sides=("torch",), ranks=(1, 2), threads=2)
    runs = [run("torch", 5.0), run("torch", 4.0, ranks=2)]
    (side,) = report(comparison, FACTS, runs)["tasks"]["mnli"]["sides"].values()
    assert side["ranks"] == 2
    assert side["examples_per_second_by_ranks"] == {"1": 10.0, "2": 25.0}
    # On processors the peak is that of all threads together: 2e10 FLOP in 4 s of 1e11 a second.
    assert side["mfu"] == 0.05


def test_of_gpus_each_has_the_peak() -> None:
    comparison = Comparison(tasks=("mnli",), sides=("torch",), ranks=(2,), threads=2)
    facts = {**FACTS, "machine": {**MACHINE, "gpus": ["a GPU"]}}
    (side,) = report(comparison, facts, [run("torch", 4.0, ranks=2)])["tasks"]["mnli"][
        "sides"
    ].values()
    assert side["mfu"] == 0.025


@pytest.mark.parametrize("sides", [("dstilts", "torch"), ("torch",), ("dstilts",)])
def test_the_report_is_json_and_the_table_has_every_side(sides: tuple) -> None:
    comparison = Comparison(tasks=("mnli",), sides=sides, data=Path("data"))
    found = report(comparison, FACTS, [run(side, 2.0) for side in sides])
    lines = table_lines(json.loads(json.dumps(found, allow_nan=False)))
    assert len(lines) == 4 + len(sides)
    assert all("25.0" in line and "0.7000" in line for line in lines[-len(sides) :])
    assert ("1.00x" in lines[-1]) == (len(sides) == 2)

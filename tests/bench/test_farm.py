"""The farm's bench: both sides in this process, what differs is said, figures of made-up runs."""

import dataclasses
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstilts.bench import farm, farm_loop, farm_side
from dstilts.bench.farm import FarmPlan, Side, measure_farm
from dstilts.bench.farm_data import StoredSets, bench_sets, num_asked
from dstilts.bench.farm_report import FarmRun, report, table_lines
from dstilts.bench.farm_side import FarmJob
from dstilts.core.config import build
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.models.encoder import load_encoder
from tests.evaluation.tiny_farm import MemorySource

TASKS = ("xnli", "udpos", "xquad", "tatoeba", "bucc2018")
MACHINE = {"cpu": "a processor", "threads": 1, "gpus": [], "versions": {}}


@pytest.fixture
def measured(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, Any]]:
    """A bench of a tiny encoder, in this process."""

    def launch(module: str, arguments: list[str], **_: Any) -> None:
        if module == "dstilts.bench.machine":
            write_json(Path(arguments[1]), MACHINE)
            return
        job = build(FarmJob, read_json(Path(arguments[0])), file=Path(arguments[0]))
        write_json(job.output / "result.json", farm_side.run(job))

    monkeypatch.setattr(farm, "launch", launch)
    monkeypatch.setattr(farm, "_cpu_seconds", itertools.count().__next__)
    monkeypatch.setattr(farm, "open_source", lambda *_: MemorySource())
    plan = FarmPlan(tasks=TASKS, one_in=1, encoder=str(encoder), workers=(1,), rounds=1, threads=1)
    return lambda: measure_farm(plan, tmp_path / "out.json", tmp_path / "work")


def test_both_sides_have_the_same_scores(
    measured: Callable[[], dict[str, Any]], tmp_path: Path, encoder: Path
) -> None:
    result = measured()
    assert read_json(tmp_path / "out.json") == json.loads(json.dumps(result))
    scores = result["scores"]
    assert scores["largest_difference"] <= 1e-9
    assert scores["sets_with_other_predictions"] == []
    # xnli in four languages has one metric, udpos in two has four ...
    assert scores["num_scores"] == 4 * 1 + 2 * 4 + 2 * 2 + 2 * 2 + 3
    assert scores["num_distinct"] > 30, "heads that always say the same prove nothing"
    longest = load_encoder(str(encoder)).max_length
    padded, own = result["tokens"]["num_padded_tokens"], result["tokens"]["num_tokens"]
    assert padded["xnli"] == 4 * 9 * min(128, longest or 128)
    assert all(own[name] < padded[name] for name in TASKS)
    assert result["tasks"]["bucc2018"]["de"]["num_examples"] == 10
    side = result["sides"]["farm, 1 workers"]
    assert 0 < side["work_seconds"]["median"] < side["seconds"]["median"]
    assert 0 <= side["idle_share"]["median"] < 1
    assert side["num_shards"] > 0
    table = "\n".join(table_lines(result))
    assert f"{scores['num_scores']} scores differ from those of loop by 0 at most" in table
    assert "xnli: 36 examples of test+dev in 4 languages" in table


def test_what_a_side_predicts_otherwise_is_said(
    measured: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = farm_loop._Model._pair

    def wrong(self: Any, examples: Any, rows: Any) -> Any:
        found = original(self, examples, rows)
        if examples.language == "de":
            labels = self.spec.labels
            found["0"] = labels[labels.index(found["0"]) - 1]
            found["1"] = labels[labels.index(found["1"]) - 1]
        return found

    monkeypatch.setattr(farm_loop._Model, "_pair", wrong)
    assert measured()["scores"]["sets_with_other_predictions"] == ["xnli.de.test"]


def test_sets_are_a_share_in_the_languages_of_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = bench_sets(MemorySource(), TASKS, ("de", "hi"), 3, seed=1)
    found = [(examples.task, examples.language) for examples in sets]
    german = [(name, "de") for name in ("xnli", "xquad", "tatoeba", "bucc2018")]
    assert sorted(found) == sorted([*german, ("xnli", "hi")])
    numbers = {s.task: num_asked(s) for s in sets if s.language == "de"}
    assert numbers == {"xnli": 3, "xquad": 2, "tatoeba": 2, "bucc2018": 3}
    stored = StoredSets.write(tmp_path, sets)
    for examples in sets:
        assert examples.language in stored.languages(examples.task, examples.split)
        assert stored.load(examples.task, examples.split, examples.language) == examples
    assert set(stored.tasks()) == set(numbers)
    with pytest.raises(UserError, match="'mlm' is no task of XTREME"):
        bench_sets(MemorySource(), ("mlm",), None, 3, seed=1)
    with pytest.raises(UserError, match="none of these tasks in these languages"):
        bench_sets(MemorySource(), ("udpos",), ("de",), 3, seed=1)
    monkeypatch.setattr(MemorySource, "languages", lambda *_: ())
    with pytest.raises(UserError, match="has no examples of panx"):
        bench_sets(MemorySource(), ("panx",), None, 3, seed=1)


def test_memory_on_few_languages_is_measured_in_processes_at_the_end() -> None:
    plan = FarmPlan(workers=(4, 1, 2))
    sets = bench_sets(MemorySource(), TASKS, None, 1, seed=1)
    loop_and_farm = [Side("loop", 1), *(Side("farm", number) for number in (1, 2, 4))]
    assert farm._sides(plan, sets, is_last=False) == loop_and_farm
    few = [Side("languages: 1", 2, ("de",)), Side("languages: 4", 2, ("de", "en", "ru", "hi"))]
    assert farm._sides(plan, sets, is_last=True) == [*loop_and_farm, *few]
    alone = dataclasses.replace(plan, loop=False)
    assert farm._sides(alone, sets, is_last=False) == loop_and_farm[1:]
    one_worker = dataclasses.replace(plan, workers=(1,))
    assert farm._sides(one_worker, sets, is_last=True) == loop_and_farm[:2]


def shard(worker: int, begun: float, ended: float, expected: float) -> dict[str, float]:
    times = {"begun": begun, "ended": ended, "expected": expected}
    return {"worker": worker, **times, "peak": 2**20, "own": 2**19}


def test_figures_of_runs() -> None:
    scores = {"xnli.de.test": {"accuracy": 50.0}}
    found = {"scores": scores, "predictions": {"xnli.de.test": {"0": "neutral"}}}
    loop = {**found, "begun": 12.0, "seconds": 60.0, "peak": 2**20, "shards": []}
    loop["own"] = 2**20
    loop["other_cpu_seconds"] = 0.0
    shards = [shard(1, 20, 26, 1), shard(2, 20, 23, 1), shard(2, 23, 25, 3), shard(1, 26, 30, 4)]
    farmed = {**found, "begun": 20.0, "seconds": 10.0, "peak": 2**21, "shards": shards}
    farmed["other_cpu_seconds"] = 0.0
    farmed["own"] = 2**20
    runs = [
        FarmRun.of("loop", 1, 10.0, 100.0, 80.0, loop),
        FarmRun.of("farm", 1, 10.0, 40.0, 20.0, {**farmed, "seconds": 15.0, "shards": shards[:1]}),
        FarmRun.of("farm", 2, 10.0, 25.0, 22.0, farmed),
    ]
    facts = {"machine": MACHINE, "tasks": {}}
    result = report({"data": None}, facts, runs)
    assert result["loop_to_farm"] == {"seconds": 3.0, "cpu_seconds": 4.0, "work_seconds": 4.0}
    assert result["speedup"]["farm, 2 workers"]["work_seconds"] == 1.5
    side = result["sides"]["farm, 2 workers"]
    assert side["start_seconds"]["median"] == 10.0
    # Worker 1 was busy for ten seconds of ten, worker 2 for five.
    assert side["idle_share"]["median"] == 0.25
    # The first shards of both load the model; of the others one took 2 for 3, one as expected.
    assert side["cost_error"] == {"median": 0.25, "p90": 0.45}
    assert (side["peak_mib"]["median"], side["own_mib"]["median"]) == (2.0, 1.0)
    assert side["num_shards"] == 4
    scores_of_others = {"xnli.de.test": {"accuracy": 52.5}}
    elsewhere = {**farmed, "scores": scores_of_others, "other_cpu_seconds": 8.0}
    runs[2] = FarmRun.of("farm", 2, 10.0, 25.0, 22.0, elsewhere)
    assert runs[2].cpu_seconds == 30.0
    without_loop = report({"data": None}, facts, runs[1:])
    assert without_loop["loop_to_farm"] is None
    assert without_loop["scores"]["beside"] == "farm, 1 workers"
    assert without_loop["scores"]["largest_difference"] == 2.5
    assert report({"data": None}, facts, runs)["scores"]["largest_difference"] == 2.5


def test_processor_time_of_other_processes_counts_once() -> None:
    other = os.getpid() + 1
    counted = ((os.getpid(), 50.0), (other, 3.0), (other + 1, 4.0), (other, 7.0), (other, 5.0))
    shards = [{"process": process, "cpu_seconds": seconds} for process, seconds in counted]
    assert farm_side._cpu_seconds_elsewhere(shards) == 11.0

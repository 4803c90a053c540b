"""What strikes an evaluation changes no score; a few faults of the campaign among it."""

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstilts.core.errors import IncompleteError, RunError
from dstilts.evaluation import compute, farm, shards
from dstilts.evaluation.evaluate import evaluate
from dstilts.evaluation.executors import open_executor
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest
from dstilts.evaluation.shards import Shard
from dstilts.evaluation.worker import run_shard
from tests.distributed.full_disk_worker import short_files
from tests.evaluation import faults, struck
from tests.evaluation.tiny_farm import MemorySource, publish_tiny

SOURCE = MemorySource()
SEVERAL = ("xnli", "udpos", "tatoeba", "bucc2018")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_tiny(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(autouse=True)
def _many_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shards, "_MANY", 1000)
    monkeypatch.setattr(shards, "_LEAST_SECONDS", 1e-6)


@pytest.fixture
def expected(model: Path, tmp_path: Path) -> dict[str, bytes]:
    """The files of an evaluation that nothing disturbs."""
    run(model, tmp_path / "expected")
    return struck.contents(tmp_path / "expected")


def run(model: Path, output: Path, tasks: tuple[str, ...] = SEVERAL) -> None:
    request = EvaluationRequest(str(model), tasks)
    with open_executor(1) as workers:
        evaluate([request], SOURCE, output, EvaluationOptions(tokens=400), workers)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each shard is run from now on."""
    counts: Counter[str] = Counter()
    after(monkeypatch, lambda shard: counts.update([shard.file.stem]))
    return counts


def after(monkeypatch: pytest.MonkeyPatch, then: Callable[[Shard], Any]) -> None:
    """Does something after each shard from now on."""
    before = compute.run_shard

    def both(shard: Shard) -> int:
        number = before(shard)
        then(shard)
        return number

    monkeypatch.setattr(compute, "run_shard", both)


@pytest.mark.parametrize("kind", ["cut-off file", "flipped bit"])
def test_a_file_that_is_spoiled_before_the_merge_is_done_again(
    model: Path,
    tmp_path: Path,
    expected: dict[str, bytes],
    ran: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    def spoil(shard: Shard) -> None:
        if shard.file.stem == "00002" and ran["00002"] == 1:
            struck.spoil([shard.file], kind, random.Random(1))

    after(monkeypatch, spoil)
    capsys.readouterr()
    run(model, tmp_path / "runs")
    assert struck.contents(tmp_path / "runs") == expected
    assert ran.pop("00002") == 2
    assert set(ran.values()) == {1}
    said = [line for line in capsys.readouterr().err.splitlines() if "done again" in line]
    assert len(said) == 1
    assert re.search("shard 00002 of model: its outputs (are|differ)", said[0])


def test_files_of_an_interrupted_evaluation_are_looked_at(
    model: Path,
    tmp_path: Path,
    expected: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(shard: Shard) -> None:
        if shard.file.stem == "00005":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        after(patch, interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(model, tmp_path / "runs")
    files = sorted((tmp_path / "runs").rglob("0*.safetensors"))
    assert len(files) >= 3
    files[0].write_bytes(files[1].read_bytes())  # of other units
    files[1].write_bytes(files[1].read_bytes()[:-3])
    cut = next((tmp_path / "runs").rglob(farm.CUT_FILE))
    borders = json.loads(cut.read_text())
    counts: Counter[str] = Counter()
    after(monkeypatch, lambda shard: counts.update([shard.file.stem]))
    # What was measured since would cut other shards: the cut of the first start stands.
    monkeypatch.setattr(farm, "num_shards", lambda seconds: 1)
    capsys.readouterr()
    run(model, tmp_path / "runs")
    assert struck.contents(tmp_path / "runs") == expected
    assert set(counts.values()) == {1}
    assert sum(counts.values()) == len(borders) - 1 - len(files) + 2
    said = capsys.readouterr().err
    assert said.count("it is done again") == 2
    assert "its outputs are of other units" in said


def test_a_broken_cut_is_made_again(
    model: Path, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(shard: Shard) -> None:
        (cut,) = shard.file.parent.glob(farm.CUT_FILE)
        cut.write_text("[0, 1,")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        after(patch, interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(model, tmp_path / "runs")
    monkeypatch.setattr(farm, "num_shards", lambda seconds: 3)
    run(model, tmp_path / "runs")
    assert struck.contents(tmp_path / "runs") == expected


def test_a_shard_that_fails_is_named_and_the_rest_is_done(
    model: Path, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(shard: Shard) -> int:
        # The first table is English XNLI's, or that of the first language.
        if any((units[:, 0] == 0).any() for units in shard.batches):
            raise ValueError("no such thing")
        return run_shard(shard)

    with monkeypatch.context() as patch:
        patch.setattr(compute, "run_shard", fails)
        with pytest.raises(IncompleteError) as error:
            run(model, tmp_path / "runs")
    assert error.value.exit_code == 3
    assert re.search(
        r"nli--all-k1: shard \d+ \(.*xnli.* in .*de.*\) failed three times: ValueError: no such "
        r"thing",
        str(error.value),
    )
    found = struck.contents(tmp_path / "runs")
    assert found.items() <= expected.items()
    names = {Path(name).name for name in expected.keys() - found.keys()}
    assert "xnli.de.test.json" in names
    assert not any(name.startswith("tatoeba") for name in names)
    # The next start does what is left, and only that.
    counts: Counter[str] = Counter()
    after(monkeypatch, lambda shard: counts.update([shard.file.stem]))
    run(model, tmp_path / "runs")
    assert struck.contents(tmp_path / "runs") == expected
    failed = set(re.findall(r"shard (\d+) ", str(error.value)))
    assert set(counts) == failed
    assert not list((tmp_path / "runs").rglob("*.safetensors"))


def test_a_full_disk_is_one_line_and_loses_nothing(
    model: Path, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def full(shard: Shard) -> int:
        seen.append(shard.file.stem)
        if len(seen) == 4:
            monkeypatch.setattr("tests.distributed.full_disk_worker.LONGEST", 64)
            with short_files():
                return run_shard(shard)
        return run_shard(shard)

    with monkeypatch.context() as patch:
        patch.setattr(compute, "run_shard", full)
        with pytest.raises(RunError, match=r"^a file would be larger .*: make room and") as error:
            run(model, tmp_path / "runs")
    assert error.value.exit_code == 1
    assert not list((tmp_path / "runs").rglob("*.tmp"))
    assert len(list((tmp_path / "runs").rglob("*.safetensors"))) == 3
    counts: Counter[str] = Counter()
    after(monkeypatch, lambda shard: counts.update([shard.file.stem]))
    run(model, tmp_path / "runs")
    assert not counts.keys() & set(seen[:3])
    assert struck.contents(tmp_path / "runs") == expected


def test_another_evaluation_that_was_first_is_taken_over(
    model: Path, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(shard: Shard) -> int:
        number = run_shard(shard)
        if shard.file.stem == "00003":
            with monkeypatch.context() as patch:
                patch.setattr(compute, "run_shard", run_shard)
                run(model, tmp_path / "runs")  # writes everything, and removes the shards
        return number

    monkeypatch.setattr(compute, "run_shard", other)
    run(model, tmp_path / "runs")
    assert struck.contents(tmp_path / "runs") == expected
    assert not list((tmp_path / "runs").rglob("*.safetensors"))


def test_sentences_that_tasks_share_are_encoded_once(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units: Counter[tuple[int, ...]] = Counter()
    after(
        monkeypatch,
        lambda shard: units.update(map(tuple, (u for batch in shard.batches for u in batch))),
    )
    run(model, tmp_path / "runs", ("tatoeba", "bucc2018"))
    texts = {
        (example.text, example.context)
        for name, code in (("tatoeba", "de"), ("tatoeba", "ru"), ("bucc2018", "de"))
        for example in SOURCE.load(name, "test", code).examples
    }
    assert set(units.values()) == {1}
    assert len(units) == len(texts)


@pytest.mark.distributed
def test_a_few_faults_of_the_campaign(tmp_path: Path) -> None:
    kinds = ["second master", "worker killed", "flipped bit", "master killed", "cut-off file"]
    rounds = [(False, kinds), (True, ["MPI rank hangs"])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faults, "rounds", lambda draw, number: rounds)
        result = faults.campaign(tmp_path, 1, seed=2)
    assert result["ok"], result
    assert (result["lost"], result["double"]) == (0, 0)
    assert sum(result["by_kind"].values()) >= 2
    faults.draw_figure(result, tmp_path / "faults.svg")
    assert "0 lost, 0 double" in (tmp_path / "faults.svg").read_text()

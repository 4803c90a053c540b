"""The search bench: sides that agree, and one that does not; figures, table and command."""

import dataclasses
import json
import mmap
import time
from pathlib import Path

import pytest
import torch

from dstilts.bench import search, search_large
from dstilts.bench.measure import MemoryWatch
from dstilts.bench.search import SearchPlan, measure_search, table_lines
from dstilts.bench.search_parts import timed
from dstilts.bench.search_sides import FAISS, OURS, Side, make_sides
from dstilts.bench.search_vectors import sentence_vectors
from dstilts.cli.main import main
from dstilts.retrieval.search import TopK

PLAN = SearchPlan(sizes=(300, 2), dims=(24,), rounds=2, threads=1)


@pytest.fixture(autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of threads that the bench sets is not for other tests."""
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
    for module in (search, search_large):
        monkeypatch.setattr(module, "describe_machine", lambda precision: MACHINE)


MACHINE = {"cpu": "a processor", "threads": 1, "gpus": [], "versions": {}}


def test_translations_are_near_and_nothing_else_is() -> None:
    source, target = (
        torch.nn.functional.normalize(side, dim=1) for side in sentence_vectors(2000, 64, seed=3)
    )
    nearest = (source @ target.T).max(dim=1).values.sort().values
    # Half of the rows have a translation, with a cosine far above any other neighbour's.
    assert 0.8 < float(nearest[1500:].mean()) < 0.92
    assert float(nearest[:900].mean()) < 0.75
    again, _ = sentence_vectors(2000, 64, seed=3)
    assert torch.equal(torch.nn.functional.normalize(again, dim=1), source)


def test_every_exact_side_finds_the_same(tmp_path: Path) -> None:
    out = tmp_path / "search.json"
    result = measure_search(PLAN, out)
    assert json.loads(out.read_text()) == json.loads(json.dumps(result, allow_nan=False))
    large, tiny = result["cases"]
    assert (large["size"], large["k"], tiny["size"], tiny["k"]) == (300, 4, 2, 2)
    names = [side.name for side in make_sides(torch.device("cpu"))]
    for case in (large, tiny):
        assert list(case["sides"]) == names
        assert {OURS, FAISS} < set(names)
        for side in make_sides(torch.device("cpu")):
            figures = case["sides"][side.name]
            if side.is_exact:
                assert figures["other_neighbours"] == figures["other_pairs"] == 0, side.name
            assert figures["extra_mib"] >= 0
            seconds = figures["cpu_seconds"]
            assert 0 < seconds["least"] <= seconds["median"] <= seconds["most"]
        assert case["sides"][FAISS]["cpu_ratio_to_faiss"] == 1
        assert case["margins"].keys() == {"native", "reference"}
        assert all(loop["share_of_bare"] > 0 for loop in case["loop"].values())
    table = "\n".join(table_lines(result))
    assert all(name in table for name in names)


def test_large_sizes_are_searched_fewer_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_LARGE", 50)
    monkeypatch.setattr(search, "_WARM_ROWS", 7)
    sides = make_sides(torch.device("cpu"))
    sizes: list[int] = []

    def counted(source: torch.Tensor, target: torch.Tensor, k: int) -> tuple[TopK, TopK]:
        sizes.append(len(source))
        return sides[0].search(source, target, k)

    listed = [dataclasses.replace(sides[0], search=counted), *sides[1:]]
    monkeypatch.setattr(search, "make_sides", lambda device: listed)
    measure_search(dataclasses.replace(PLAN, sizes=(50, 51), rounds=3), tmp_path / "search.json")
    assert sizes == [7, 50, 50, 50, 7, 51, 51]


def test_memory_that_a_search_takes_is_seen(tmp_path: Path) -> None:
    def hungry(source: torch.Tensor, target: torch.Tensor, k: int) -> tuple[TopK, TopK]:
        # Of the system: the allocator may have as much left from tests before.
        with mmap.mmap(-1, 64 << 20) as memory:
            memory.write(b"1" * len(memory))
            time.sleep(1.0)  # longer than between two looks
        return found

    found = make_sides(torch.device("cpu"))[0].search(torch.eye(3), torch.eye(3), 1)
    with MemoryWatch() as watch:
        _, run = timed(Side("hungry", hungry), torch.eye(3), torch.eye(3), 1, watch)
    assert 60 << 20 < run.extra_bytes < 200 << 20
    assert run.wall > 1.0


def test_a_search_in_mapped_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "large.json"
    words = ["--rows", "9000", "--dims", "32", "--block-mib", "1", "--threads", "1"]
    assert search_large.main([*words, "--folder", str(tmp_path), "--out", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert figures == json.loads(capsys.readouterr().out)
    # 1 MiB has 8192 vectors; half of the rows have a translation, which is found.
    assert figures["blocks"] == 4
    assert figures["pairs"] > 4500
    assert 0 < figures["peak_mib_before"] <= figures["peak_mib_searched"] <= figures["peak_mib"]
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(SystemExit):
        search_large.main(["--rows", "0"])


def test_a_side_that_finds_others_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = make_sides(torch.device("cpu"))

    def wrong(source: torch.Tensor, target: torch.Tensor, k: int) -> tuple[TopK, TopK]:
        forward, backward = sides[0].search(source, target, k)
        forward.indices[7] = forward.indices[8]
        return forward, backward

    broken = [dataclasses.replace(sides[0], search=wrong), *sides[1:]]
    monkeypatch.setattr(search, "make_sides", lambda device: broken)
    plan = dataclasses.replace(PLAN, sizes=(300,), rounds=1)
    (case,) = measure_search(plan, tmp_path / "search.json")["cases"]
    assert case["sides"][OURS]["other_neighbours"] == 4


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "search.json"
    words = ["--sizes", "40", "--dims", "8,16", "--rounds", "1", "--out", str(out)]
    assert main(["bench", "search", *words]) == 0
    assert [case["dims"] for case in json.loads(out.read_text())["cases"]] == [8, 16]
    assert str(out) in capsys.readouterr().out
    assert main(["bench", "search", "--sizes", "many"]) == 2

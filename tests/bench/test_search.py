"""The search bench: sides that agree, and one that does not; figures, table and command."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from dstilts.bench import search
from dstilts.bench.search import SearchPlan, measure_search, table_lines
from dstilts.bench.search_sides import FAISS, OURS, make_sides
from dstilts.bench.search_vectors import sentence_vectors
from dstilts.cli.main import main
from dstilts.retrieval.search import TopK

PLAN = SearchPlan(sizes=(300, 2), dims=(24,), rounds=2, threads=1)


@pytest.fixture(autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of threads that the bench sets is not for other tests."""
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
    monkeypatch.setattr(search, "describe_machine", lambda precision: MACHINE)


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
            seconds = figures["cpu_seconds"]
            assert 0 < seconds["least"] <= seconds["median"] <= seconds["most"]
        assert case["sides"][FAISS]["cpu_ratio_to_faiss"] == 1
    table = "\n".join(table_lines(result))
    assert all(name in table for name in names)


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

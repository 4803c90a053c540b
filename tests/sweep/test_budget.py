"""Within a budget, what says most about the grid for its cost comes first."""

import dataclasses
from pathlib import Path

from dstilts.sweep.budget import Column, affordable, columns, gain
from dstilts.sweep.estimate import Cost
from dstilts.sweep.graph import Graph, Node, PhaseNode
from dstilts.sweep.state import RunsState
from tests.sweep.graphs import GRID, evaluation_of, expand, finish

SEEDS = dataclasses.replace(GRID, seeds=(1, 2))


def hour(node: Node) -> Cost:
    return Cost(1.0, "cpu", rough=False)


def choose(graph: Graph, runs: Path, hours: float, cost=hour) -> list[str]:
    state = RunsState(runs)
    missing = state.missing(graph)
    return [n.title for n in affordable(graph, missing, state.outcomes(), cost, hours)]


def test_the_first_seed_says_most_and_each_more_says_less() -> None:
    column = Column(rows=5.0, seeds=2.0)
    gains = [gain(column, seeds) for seeds in range(5)]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] == 5.0
    assert gains[1] == 2 - 2 / 2**0.5
    assert all(each > 0 for each in gains)


def test_nothing_is_chosen_that_does_not_fit(tmp_path: Path) -> None:
    graph = expand(SEEDS, tmp_path)
    for hours in (0.0, 0.5, 1.0, 2.5, 7.0, 1000.0):
        chosen = choose(graph, tmp_path, hours)
        assert len(chosen) == len(set(chosen)) <= hours
    assert len(choose(graph, tmp_path, 1000.0)) == len(graph.nodes)


def test_what_is_chosen_comes_after_what_it_needs(tmp_path: Path) -> None:
    graph, state = expand(SEEDS, tmp_path), RunsState(tmp_path)
    chosen = affordable(graph, state.missing(graph), {}, hour, 12.0)
    seen: set[str] = set()
    for node in chosen:
        assert node.needs is None or node.needs in seen
        seen.add(node.key)


def test_what_needs_no_training_is_cheapest_and_comes_first(tmp_path: Path) -> None:
    assert choose(expand(SEEDS, tmp_path), tmp_path, 1.0) == ["evaluate default"]


def test_a_cell_without_a_seed_before_the_second_seed_of_another(tmp_path: Path) -> None:
    graph, state = expand(SEEDS, tmp_path), RunsState(tmp_path)
    for node in graph.nodes:
        is_second = isinstance(node, PhaseNode) and node.phase.seed == 2
        is_qa = "xquad" in node.title
        if not (is_second or "seed 2" in node.title or is_qa):
            finish(node, state, xnli=40.0, tatoeba=50.0)
    first = choose(graph, tmp_path, 2.0)
    assert first == ["xquad, seed 1", "evaluate xquad, seed 1"]


def test_spreads_are_measured_where_there_are_scores(tmp_path: Path) -> None:
    graph, state = expand(SEEDS, tmp_path), RunsState(tmp_path)
    values = {("none", 1): 40.0, ("none", 2): 44.0, ("nli", 1): 60.0, ("nli", 2): 60.0}
    values |= {("nli+qa", 1): 50.0, ("nli+qa", 2): 50.0}
    for (row, seed), value in values.items():
        finish(evaluation_of(graph, row, "xnli", seed), state, xnli=value)
    found = columns(graph, state.outcomes())
    assert abs(found["xnli"].seeds - (8**0.5) / 3) < 1e-12
    assert abs(found["xnli"].rows - 9.0185) < 1e-3
    assert found["xquad"].rows > found["xquad"].seeds

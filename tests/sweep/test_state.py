"""What is done is read from the files: models, records, outcomes."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.sweep.graph import Graph
from dstilts.sweep.state import RunsState
from tests.sweep.graphs import GRID, evaluation_of, expand, finish


def titles(state: RunsState, graph: Graph) -> set[str]:
    return {node.title for node in state.missing(graph)}


def done(tmp_path: Path) -> tuple[RunsState, Graph]:
    """A grid of which every node is done."""
    graph, state = expand(GRID, tmp_path), RunsState(tmp_path)
    for node in graph.nodes:
        finish(node, state)
    assert state.missing(graph) == ()
    return state, graph


def test_nothing_is_done_at_first(tmp_path: Path) -> None:
    graph = expand(GRID, tmp_path)
    assert RunsState(tmp_path).missing(graph) == graph.nodes


def test_an_outcome_is_read_back_as_it_was(tmp_path: Path) -> None:
    graph, state = expand(GRID, tmp_path), RunsState(tmp_path)
    node = graph.nodes[0]
    assert state.outcome(node).failures == ()
    state.fail(node, "the sky fell", mistake=True)
    state.fail(node, "again")
    failures = state.outcome(node).failures
    assert [(each.reason, each.mistake) for each in failures] == [
        ("the sky fell", True),
        ("again", False),
    ]
    state.write(dataclasses.replace(finish(node, state, xnli=41.5), failures=failures))
    found = state.outcome(node)
    assert found.failures == failures
    assert found.scores == {"xnli": 41.5}
    assert state.outcomes() == {node.key: found}


def test_a_lost_record_is_made_again_and_nothing_else(tmp_path: Path) -> None:
    state, graph = done(tmp_path)
    lost = evaluation_of(graph, "nli", "xnli")
    shutil.rmtree(tmp_path / "records" / lost.key)
    assert titles(state, graph) == {lost.title}


def test_a_removed_model_is_missed_only_when_it_is_needed(tmp_path: Path) -> None:
    state, graph = done(tmp_path)
    for node in graph.phases:
        shutil.rmtree(node.phase.output)
        state.write(dataclasses.replace(state.outcome(node), collected=True))
    assert state.missing(graph) == ()
    lost = evaluation_of(graph, "nli", "xquad")
    shutil.rmtree(tmp_path / "records" / lost.key)
    assert titles(state, graph) == {"nli, seed 1", "nli--xquad, seed 1", lost.title}


def test_a_model_that_somebody_deleted_is_missed(tmp_path: Path) -> None:
    state, graph = done(tmp_path)
    shutil.rmtree(graph.phases[0].phase.output)
    assert titles(state, graph) == {graph.phases[0].title}


def test_a_broken_outcome_is_named(tmp_path: Path) -> None:
    graph, state = expand(GRID, tmp_path), RunsState(tmp_path)
    file = tmp_path / "nodes" / f"{graph.nodes[0].key}.json"
    for text in ("{", "[]", '{"schema": 1}', '{"schema": 9}'):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        with pytest.raises(UserError, match=str(file)):
            state.outcomes()

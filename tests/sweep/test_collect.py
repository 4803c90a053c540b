"""Making room: what a missing node needs stays, and so does everything that is somebody else's."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.sweep import collect as module
from dstilts.sweep.collect import collect, find_waste
from dstilts.sweep.drivers import driver_file
from dstilts.sweep.graph import Graph
from dstilts.sweep.kept_grids import Chosen, keep_grid
from dstilts.sweep.state import RunsState
from tests.sweep.graphs import GRID, evaluation_of, expand, finish


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """The graph of a folder in which everything is done."""
    graph = expand(GRID, tmp_path)
    keep_grid(Chosen(GRID), tmp_path)
    monkeypatch.setattr(module, "prepare", lambda grid, runs: expand(grid, runs))
    for node in graph.nodes:
        finish(node, RunsState(tmp_path))
    for node in graph.phases:
        (node.phase.output / "model.safetensors").write_bytes(b"x" * 1000)
    return graph


def names(tmp_path: Path, **options: bool) -> set[str]:
    return {each.path.name.rpartition("-s1-")[0] for each in find_waste(tmp_path, **options)}


def test_target_models_go_and_intermediate_ones_only_when_asked(
    tmp_path: Path, graph: Graph
) -> None:
    targets = {"xnli", "xquad", "nli--xnli", "nli--xquad", "nli+qa--xnli", "nli+qa--xquad"}
    assert names(tmp_path) == targets
    assert names(tmp_path, intermediates=True) == targets | {"nli", "nli+qa"}
    assert all(1000 <= each.num_bytes < 1100 for each in find_waste(tmp_path))


def test_what_a_missing_evaluation_or_phase_needs_stays(tmp_path: Path, graph: Graph) -> None:
    node = evaluation_of(graph, "nli", "xquad")
    shutil.rmtree(tmp_path / "records" / node.key)
    assert "nli--xquad" not in names(tmp_path)
    phase = next(node for node in graph.phases if node.title == "nli+qa--xnli, seed 1")
    shutil.rmtree(phase.phase.output)
    assert "nli+qa" not in names(tmp_path, intermediates=True)
    assert "nli" in names(tmp_path, intermediates=True)


def test_after_it_nothing_has_to_run(tmp_path: Path, graph: Graph) -> None:
    stranger = tmp_path / "models" / "mine"
    stranger.mkdir()
    waste = find_waste(tmp_path, intermediates=True)
    collect(waste, tmp_path)
    assert RunsState(tmp_path).missing(graph) == ()
    assert not any(each.path.exists() for each in waste)
    assert stranger.is_dir()
    assert find_waste(tmp_path, intermediates=True) == []


def test_what_a_model_was_stays_in_its_runs_folder(tmp_path: Path, graph: Graph) -> None:
    phase = next(node.phase for node in graph.phases if node.title == "xnli, seed 1")
    phase.run_folder.mkdir()
    said = (phase.output / "manifest.json").read_bytes()
    collect(find_waste(tmp_path), tmp_path)
    assert not phase.output.exists()
    assert (phase.run_folder / "manifest.json").read_bytes() == said


def test_resume_points_of_published_phases_go(tmp_path: Path, graph: Graph) -> None:
    resume = graph.phases[0].phase.run_folder / "resume"
    (resume / "step_10").mkdir(parents=True)
    assert resume in {each.path for each in find_waste(tmp_path)}
    state = RunsState(tmp_path)
    shutil.rmtree(graph.phases[0].phase.output)
    state.write(dataclasses.replace(state.outcome(graph.phases[0]), done=False))
    assert resume not in {each.path for each in find_waste(tmp_path)}


def test_a_driver_at_work_is_left_alone(tmp_path: Path, graph: Graph) -> None:
    with driver_file(tmp_path, "test"), pytest.raises(UserError, match="a driver is at work"):
        find_waste(tmp_path)
    assert find_waste(tmp_path)


def test_a_folder_without_a_grid(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no grid was run here"):
        find_waste(tmp_path)

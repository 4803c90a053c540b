"""A grid's status: counts by state, who works, what failed and why."""

from pathlib import Path

from dstilts.sweep.claims import Claims
from dstilts.sweep.drivers import driver_file, drivers
from dstilts.sweep.state import RunsState
from dstilts.sweep.status import grid_status, status_text
from tests.sweep.graphs import GRID, expand, finish


def test_every_state(tmp_path: Path) -> None:
    graph, state = expand(GRID, tmp_path), RunsState(tmp_path)
    done, held, broken, *_ = graph.phases
    finish(done, state, seconds=1800.0)
    claim = Claims(tmp_path).take(held.key)
    assert claim is not None
    held.phase.run_folder.mkdir(parents=True)
    event = '{"event": "train", "time": 5.0, "step": 30, "loss": 0.5}\n'
    (held.phase.run_folder / "events.jsonl").write_text(event)
    state.fail(broken, "out of memory")
    with driver_file(tmp_path, "test"):
        found = grid_status("test", graph, tmp_path, drivers(tmp_path))
    assert found.total == len(graph.nodes)
    assert found.counts["done"] == found.counts["running"] == found.counts["failed"] == 1
    absent = {node.key for node in state.missing(graph)}
    assert found.counts["waiting"] == sum(
        node.needs in absent for node in graph.nodes if node.key in absent
    )
    lines = "\n".join(status_text(found, now=found.running[0].holder.since + 120))
    assert f"test: {len(graph.nodes)} nodes: 1 done, 1 running" in lines
    assert "spent 0.50 core-hours" in lines
    assert f"running {held.title}: 2 min" in lines
    assert "step 30, loss 0.5" in lines
    assert f"failed  {broken.title}: out of memory" in lines
    assert "driver: process" in lines
    claim.release()


def test_a_grid_that_nobody_drives(tmp_path: Path) -> None:
    graph = expand(GRID, tmp_path)
    lines = status_text(grid_status("test", graph, tmp_path, []))
    assert "  no driver is at work" in lines
    for node in graph.nodes:
        finish(node, RunsState(tmp_path))
    lines = status_text(grid_status("test", graph, tmp_path, []))
    assert lines[0].endswith(f"{len(graph.nodes)} done")
    assert "  no driver is at work" not in lines

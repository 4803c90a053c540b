"""The plan names each node, why it runs, its cost from measured ones, and who shares it."""

import dataclasses
import json
from pathlib import Path

from dstilts.core.files import write_json
from dstilts.engine.phase import ScheduleConfig
from dstilts.sweep.claims import Claims
from dstilts.sweep.graph import PhaseNode
from dstilts.sweep.plan import Plan, Planned, make_plan, plan_dot, plan_json, plan_text
from dstilts.sweep.state import RunsState
from tests.sweep.graphs import GRID, expand, finish


def by_title(plan: Plan) -> dict[str, Planned]:
    return {node.title: node for node in plan.nodes}


def test_a_new_grid(tmp_path: Path) -> None:
    found = by_title(make_plan(expand(GRID, tmp_path), tmp_path))
    assert {node.state for node in found.values()} == {"to run"}
    assert {node.why for node in found.values()} == {"new"}
    # The intermediate phase serves its four columns, the phase on SQuAD two.
    assert found["nli, seed 1"].cells == 4
    assert found["nli--xquad, seed 1"].cells == 2
    assert found["nli, seed 1"].hours is None


def test_why_a_node_runs_again(tmp_path: Path) -> None:
    graph, state = expand(GRID, tmp_path), RunsState(tmp_path)
    for node in graph.nodes:
        finish(node, state)
    for node in graph.phases:
        settings = {"schedule": {"learning_rate": 1e-5, "epochs": 1.0}}
        write_json(node.phase.output / "manifest.json", {"settings": settings})
    assert {n.state for n in make_plan(graph, tmp_path).nodes} == {"done"}

    hotter = dataclasses.replace(GRID, schedule=ScheduleConfig(learning_rate=2e-5))
    found = by_title(make_plan(expand(hotter, tmp_path), tmp_path))
    assert "schedule.learning_rate 1e-05 to 2e-05" in found["nli, seed 1"].why
    assert "what it starts from changed" not in found["nli, seed 1"].why
    assert "what it starts from changed" in found["nli--xnli, seed 1"].why
    assert found["evaluate default"].state == "done"

    found = by_title(make_plan(expand(GRID, tmp_path, mnli="new"), tmp_path))
    assert found["nli, seed 1"].why == "its data changed"
    assert found["nli--xquad, seed 1"].why == "what it starts from changed"
    assert found["xquad, seed 1"].why == ""


def test_failed_interrupted_and_removed_nodes_say_so(tmp_path: Path) -> None:
    graph, state = expand(GRID, tmp_path), RunsState(tmp_path)
    first, second, third, *_ = graph.phases
    state.fail(first, "out of memory")
    second.phase.run_folder.mkdir(parents=True)
    state.write(
        dataclasses.replace(
            state.outcome(third), done=True, collected=True, title=third.title, seconds=1.0
        )
    )
    found = by_title(make_plan(graph, tmp_path))
    assert found[first.title].why == "failed before: out of memory"
    assert "was interrupted" in found[second.title].why
    assert "removed to make room" in found[third.title].why


def test_costs_of_other_seeds_are_expected_again(tmp_path: Path) -> None:
    grid = dataclasses.replace(GRID, seeds=(1, 2))
    graph, state = expand(grid, tmp_path), RunsState(tmp_path)
    for node in graph.nodes:
        if isinstance(node, PhaseNode) and node.title == "nli, seed 1":
            finish(node, state, seconds=7200.0)
    plan = make_plan(graph, tmp_path)
    found = by_title(plan)
    assert (found["nli, seed 2"].hours, found["nli, seed 2"].rough) == (2.0, False)
    assert (found["nli+qa, seed 2"].hours, found["nli+qa, seed 2"].rough) == (2.0, True)
    assert found["evaluate default"].hours is None
    assert plan.hours == {"cpu": (2 * 8 - 1) * 2.0}
    assert "30.00 core-hours" in plan_text(plan)[-1]


def test_a_budget_leaves_the_rest_for_later(tmp_path: Path) -> None:
    graph, state = expand(GRID, tmp_path), RunsState(tmp_path)
    for node in graph.nodes[:-1]:
        finish(node, state, seconds=3600.0)
    (last,) = state.missing(graph)
    assert make_plan(graph, tmp_path, 2.0).to_run == (last.key,)
    plan = make_plan(graph, tmp_path, 0.5)
    assert plan.to_run == ()
    assert by_title(plan)[last.title].state == "later"
    assert by_title(plan)[last.title].why == "new"


def test_what_is_running_is_seen(tmp_path: Path) -> None:
    graph = expand(GRID, tmp_path)
    claim = Claims(tmp_path).take(graph.nodes[0].key)
    assert claim is not None
    assert make_plan(graph, tmp_path).nodes[0].state == "running"
    claim.release()
    assert make_plan(graph, tmp_path).nodes[0].state == "to run"


def test_forms(tmp_path: Path) -> None:
    graph = expand(GRID, tmp_path)
    plan = make_plan(graph, tmp_path)
    table = json.loads(plan_json(plan))
    assert [node["key"] for node in table["nodes"]] == [node.key for node in graph.nodes]
    dot = plan_dot(plan.nodes)
    assert dot.count(" -> ") == sum(node.needs is not None for node in graph.nodes)
    assert dot.startswith("digraph")
    assert dot.endswith("}")
    assert len(plan_text(plan)) == len(graph.nodes) + 2

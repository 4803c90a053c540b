"""What a worker takes, waits for and gives up."""

import time
from pathlib import Path

import pytest

from dstilts.sweep.claims import Claim, Claims
from dstilts.sweep.graph import Graph, Node
from dstilts.sweep.state import RunsState
from dstilts.sweep.worker import ATTEMPTS, Kind, Queue
from tests.sweep.graphs import GRID, expand, finish


class Folder:
    """A folder of runs with one queue on it."""

    def __init__(self, runs: Path, graph: Graph, since: float = 0.0) -> None:
        self.state, self.claims = RunsState(runs), Claims(runs)
        self.queue = Queue(self.state.missing(graph), self.state, self.claims, since)

    def run_all(self, kind: Kind = "all") -> list[str]:
        """Takes and finishes nodes until there is none; their titles."""
        titles = []
        while (taken := self.queue.take(kind)) is not None:
            node, claim = taken
            titles.append(node.title)
            finish(node, self.state)
            claim.release()
        return titles


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return expand(GRID, tmp_path)


def test_every_node_once_and_after_what_it_needs(tmp_path: Path, graph: Graph) -> None:
    folder = Folder(tmp_path, graph)
    titles = folder.run_all()
    assert sorted(titles) == sorted(node.title for node in graph.nodes)
    place = {title: number for number, title in enumerate(titles)}
    for node in graph.nodes:
        if node.needs is not None:
            assert place[graph.by_key[node.needs].title] < place[node.title]
    assert not folder.queue.waits_for("all")


def test_two_workers_share_the_nodes(tmp_path: Path, graph: Graph) -> None:
    one, two = Folder(tmp_path, graph), Folder(tmp_path, graph)
    first, second = one.queue.take("all"), two.queue.take("all")
    assert first is not None
    assert second is not None
    assert first[0].key != second[0].key
    for node, claim in (first, second):
        finish(node, one.state)
        claim.release()
    titles = [first[0].title, second[0].title, *one.run_all(), *two.run_all()]
    assert sorted(titles) == sorted(node.title for node in graph.nodes)


def test_kinds(tmp_path: Path, graph: Graph) -> None:
    folder = Folder(tmp_path, graph)
    # The encoder itself can be evaluated before anything is trained.
    assert folder.run_all("evaluations") == ["evaluate default"]
    assert folder.queue.waits_for("evaluations")
    assert len(folder.run_all("phases")) == len(graph.phases)
    assert not folder.queue.waits_for("phases")
    assert len(folder.run_all("evaluations")) == len(graph.evaluations) - 1


def test_what_another_holds_is_waited_for(tmp_path: Path, graph: Graph) -> None:
    folder, key = Folder(tmp_path, graph), graph.phases[0].key
    claim = folder.claims.take(key)
    assert claim is not None
    folder.run_all()
    assert folder.queue.waits_for("all")
    finish(graph.phases[0], folder.state)
    claim.release()
    folder.run_all()
    assert not folder.queue.waits_for("all")


def test_a_node_that_fails_three_times_is_given_up_with_all_that_need_it(
    tmp_path: Path, graph: Graph
) -> None:
    folder = Folder(tmp_path, graph)
    broken = graph.phases[0]
    for _ in range(ATTEMPTS):
        node, claim = _first(folder)
        assert node.key == broken.key
        folder.state.fail(node, "it broke")
        claim.release()
    titles = folder.run_all()
    assert not any(title.removeprefix("evaluate ").startswith("nli-") for title in titles)
    assert len(titles) == len(graph.nodes) - 1 - 2 - 3
    assert not folder.queue.waits_for("all")
    # Another driver, started later, tries again.
    assert broken.title in Folder(tmp_path, graph, since=time.time()).run_all()


def test_a_mistake_of_the_user_is_not_tried_again(tmp_path: Path, graph: Graph) -> None:
    folder = Folder(tmp_path, graph)
    node, claim = _first(folder)
    folder.state.fail(node, "no such task", mistake=True)
    claim.release()
    again, claim = _first(folder)
    assert again.key != node.key
    claim.release()


def test_a_worker_that_was_killed_counts_as_an_attempt(tmp_path: Path, graph: Graph) -> None:
    folder = Folder(tmp_path, graph)
    node = graph.nodes[0]
    (tmp_path / "claims").mkdir()
    holder = '{"host": "far", "pid": 17, "since": 1.0}'
    (tmp_path / "claims" / node.key).write_text(holder)
    taken, claim = _first(folder)
    assert taken.key == node.key
    (failure,) = folder.state.outcome(node).failures
    assert failure.reason == "process 17 on far ended in the middle of it"
    claim.release()


def _first(folder: Folder) -> tuple[Node, Claim]:
    taken = folder.queue.take("all")
    assert taken is not None
    return taken

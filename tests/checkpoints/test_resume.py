"""Resume points: only whole ones count, two are kept, a full disk leaves nothing behind."""

import errno
from pathlib import Path

import pytest
import torch

from dstilts.checkpoints import resume
from dstilts.checkpoints.resume import (
    LoopState,
    check_resume,
    find_resume,
    remove_all,
    save_resume,
)
from dstilts.checkpoints.shards import KINDS, Fragment
from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup

ALONE = ProcessGroup()


def state(step: int) -> LoopState:
    hooks = {"guard": {"first/0": 0.1 + step}}
    return LoopState(key="k1", seed=3, step=step, updates=step, hooks=hooks)


def fragments(value: float) -> list[Fragment]:
    return [Fragment("a", 0, {kind: torch.full((5,), value) for kind in KINDS})]


def save(folder: Path, *steps: int) -> None:
    for step in steps:
        save_resume(folder, state(step), fragments(float(step)), ALONE)


def shard(folder: Path) -> Path:
    return folder / "rank-00000.safetensors"


def test_the_newest_of_two_is_found(tmp_path: Path) -> None:
    assert find_resume(tmp_path, ALONE) is None
    save(tmp_path, 9, 10, 100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000010", "step-00000100"]
    point = find_resume(tmp_path, ALONE)
    assert point is not None
    assert point.state == state(100)
    filled = fragments(0.0)
    point.load(filled)
    assert all(bool((tensor == 100).all()) for tensor in filled[0].tensors.values())


@pytest.mark.parametrize(
    "damage",
    [
        lambda point: (point / "resume.json").unlink(),
        lambda point: (point / "resume.json").write_text('{"schema": 1, "st'),
        lambda point: (point / "resume.json").write_text("[]"),
        lambda point: shard(point).unlink(),
        lambda point: shard(point).write_bytes(shard(point).read_bytes()[:-1]),
        lambda point: shard(point).write_bytes(shard(point).read_bytes()[:-1] + b"x"),
    ],
    ids=["no manifest", "cut manifest", "no table", "no shard", "cut shard", "other shard"],
)
def test_a_broken_point_is_passed_over(tmp_path: Path, damage) -> None:
    save(tmp_path, 1, 2)
    damage(tmp_path / "step-00000002")
    point = find_resume(tmp_path, ALONE)
    assert point is not None
    assert point.state.step == 1


def test_what_a_killed_save_left_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, 1)
    half = tmp_path / "step-00000002"
    half.mkdir()
    shard(half).write_text("half")
    (half / "rank-00007.safetensors").write_text("half")
    found = find_resume(tmp_path, ALONE)
    assert found is not None
    assert found.state.step == 1
    save(tmp_path, 2)
    point = find_resume(tmp_path, ALONE)
    assert point is not None
    assert point.state.step == 2
    assert not (half / "rank-00007.safetensors").exists()


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    save(tmp_path, 5)
    point = find_resume(tmp_path, ALONE)
    assert point is not None
    check_resume(point, "k1")
    with pytest.raises(UserError, match="another configuration"):
        check_resume(point, "k2")


@pytest.mark.parametrize("writer", ["write_shard", "write_json"])
def test_a_full_disk_leaves_the_older_points(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1, 2)

    def full(path: Path, *content: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(resume, writer, full)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path, 3)
    monkeypatch.undo()
    assert not (tmp_path / "step-00000003").exists()
    point = find_resume(tmp_path, ALONE)
    assert point is not None
    assert point.state.step == 2


def test_removed_when_the_phase_is_done(tmp_path: Path) -> None:
    save(tmp_path / "resume", 1, 2)
    remove_all(tmp_path / "resume")
    assert not (tmp_path / "resume").exists()

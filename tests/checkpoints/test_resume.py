"""Resume points: only whole ones count, the last two are kept."""

from pathlib import Path

import pytest

from dstilts.checkpoints.resume import (
    LoopState,
    check_resume,
    find_resume,
    load_resume,
    remove_all,
    save_resume,
)
from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup


class Engine:
    """Stands for DeepSpeed: writes two shards, and remembers what it was told to load."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def save_checkpoint(self, folder: str, tag: str, save_latest: bool) -> None:
        assert not save_latest
        point = Path(folder) / tag
        point.mkdir(parents=True)
        (point / "shard-0.pt").write_text(f"zero {tag}")
        (point / "shard-1.pt").write_text(f"one {tag}")

    def load_checkpoint(self, folder: str, tag: str) -> tuple[str | None, dict]:
        self.loaded.append(tag)
        return f"{folder}/{tag}", {}


def state(step: int) -> LoopState:
    return LoopState(key="k1", step=step, world_size=2, zero_stage=1)


def save(folder: Path, *steps: int) -> None:
    for step in steps:
        save_resume(Engine(), folder, state(step), ProcessGroup())


def test_the_newest_of_two_is_found(tmp_path: Path) -> None:
    assert find_resume(tmp_path) is None
    save(tmp_path, 9, 10, 100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000010", "step-00000100"]
    point = find_resume(tmp_path)
    assert point is not None
    assert point.state == state(100)
    engine = Engine()
    load_resume(engine, point)
    assert engine.loaded == ["step-00000100"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda point: (point / "resume.json").unlink(),
        lambda point: (point / "resume.json").write_text('{"schema": 1, "st'),
        lambda point: (point / "resume.json").write_text("[]"),
        lambda point: (point / "shard-1.pt").unlink(),
        lambda point: (point / "shard-1.pt").write_text("one st"),
        lambda point: (point / "shard-1.pt").write_text("one step-00000003"),
    ],
    ids=["no manifest", "cut manifest", "no table", "no shard", "cut shard", "other shard"],
)
def test_a_broken_point_is_passed_over(tmp_path: Path, damage) -> None:
    save(tmp_path, 1, 2)
    damage(tmp_path / "step-00000002")
    point = find_resume(tmp_path)
    assert point is not None
    assert point.state.step == 1


def test_what_a_killed_save_left_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, 1)
    half = tmp_path / "step-00000002"
    half.mkdir()
    (half / "shard-0.pt").write_text("half")
    (half / "shard-of-another-world.pt").write_text("half")
    save(tmp_path, 2)
    point = find_resume(tmp_path)
    assert point is not None
    assert point.state.step == 2
    assert not (half / "shard-of-another-world.pt").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"key": "k2"}, "another configuration"),
        ({"world_size": 4}, "saved by 2 ranks, started again on 4; start 2 ranks"),
        ({"zero_stage": 3}, r"ZeRO stage 1, not 3; use engine\.zero_stage = 1"),
    ],
)
def test_a_run_of_another_shape_is_refused(tmp_path: Path, changed: dict, message: str) -> None:
    save(tmp_path, 5)
    point = find_resume(tmp_path)
    assert point is not None
    check_resume(point, state(0))
    with pytest.raises(UserError, match=message):
        check_resume(point, LoopState(**{**vars(state(0)), **changed}))


def test_removed_when_the_phase_is_done(tmp_path: Path) -> None:
    save(tmp_path / "resume", 1, 2)
    remove_all(tmp_path / "resume")
    assert not (tmp_path / "resume").exists()

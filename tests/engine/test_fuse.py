"""The search for the size of a pass, on made-up passes; and what is remembered of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from dstilts.core.cache import cache_folder
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.fuse import FuseMemory, Trial, choose, search, sizes
from dstilts.engine.phase import BatchConfig, EngineConfig, PhaseConfig, TaskUse

ALONE = ProcessGroup()
CPU = torch.device("cpu")


class MadeUp:
    """Passes that take 10 bytes a token; the number of tokens and the speed are given.

    Args:
        tokens: of a micro-batch, by the size of the pass; 100 without it.
        speeds: micro-batches a second; without them larger passes are faster.
        breaks: from this size on memory runs out, whatever was expected.
    """

    def __init__(
        self,
        tokens: Mapping[int, int] | None = None,
        speeds: Mapping[int, float] | None = None,
        breaks: int = 1 << 30,
    ) -> None:
        self._tokens, self._speeds, self._breaks = tokens or {}, speeds or {}, breaks
        self.tried: list[int] = []

    def num_tokens(self, fuse: int) -> int:
        return fuse * self._tokens.get(fuse, 100)

    def run(self, fuse: int) -> tuple[int, float]:
        self.tried.append(fuse)
        if fuse >= self._breaks:
            raise torch.OutOfMemoryError("out of memory")
        return 10 * self.num_tokens(fuse), fuse / self._speeds.get(fuse, fuse)


@pytest.mark.parametrize(
    ("micro_batches", "tasks", "ranks", "expected"),
    [
        (24, 1, 1, [1, 2, 3, 4, 6, 8, 12, 24]),
        (24, 2, 2, [1, 2, 3, 6]),
        (4, 1, 4, [1]),
    ],
)
def test_a_pass_divides_what_a_rank_has(
    micro_batches: int, tasks: int, ranks: int, expected: list[int]
) -> None:
    batch = BatchConfig(micro_batches=micro_batches, tasks_per_step=tasks)
    assert sizes(batch, ranks) == expected


def test_passes_grow_until_the_next_would_not_fit() -> None:
    passes = MadeUp()
    trials = search([1, 2, 3, 4, 6, 8, 12, 24], passes, 7000, ALONE)
    # 8 would take 8000 bytes: known from 4, and not tried. What lies between is.
    assert passes.tried == [1, 2, 4, 6]
    assert [trial.peak for trial in trials] == [1000, 2000, 4000, 6000]
    assert choose(trials) == 6


def test_padding_makes_larger_passes_dearer_than_their_number() -> None:
    # Four together are padded to twice their tokens: 8000 bytes, not 4000.
    passes = MadeUp(tokens={4: 200})
    trials = search([1, 2, 4], passes, 7000, ALONE)
    assert passes.tried == [1, 2]
    assert choose(trials) == 2


def test_memory_that_runs_out_after_all() -> None:
    passes = MadeUp(breaks=3)
    trials = search([1, 2, 3, 4], passes, 1e9, ALONE)
    assert passes.tried == [1, 2, 4, 3]
    assert [trial.fuse for trial in trials] == [1, 2]


def test_nothing_fits() -> None:
    assert search([1, 2], MadeUp(breaks=1), 1e9, ALONE) == []
    assert search([1, 2], MadeUp(), 999, ALONE) == []
    assert choose([]) == 1


def test_slower_passes_end_the_search() -> None:
    passes = MadeUp(speeds={1: 10, 2: 8, 4: 100})
    assert choose(search([1, 2, 4], passes, 1e9, ALONE)) == 1
    assert passes.tried == [1, 2]


def test_the_smallest_pass_that_is_about_as_fast_wins() -> None:
    passes = MadeUp(speeds={1: 80, 2: 96, 4: 100, 8: 98})
    assert choose(search([1, 2, 4, 8], passes, 1e9, ALONE)) == 2
    assert choose([Trial(1, 1, 1, 0.5), Trial(2, 1, 1, 1.0)]) == 1


def test_other_errors_are_not_hidden() -> None:
    class Broken(MadeUp):
        def run(self, fuse: int) -> tuple[int, float]:
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        search([1, 2], Broken(), 1e9, ALONE)


class _Two(ProcessGroup):
    """A rank beside one that is half as fast and runs out of memory from four on."""

    def gather(self, value: Any) -> list[Any]:
        if isinstance(value, tuple):
            size = round(value[0] / 1000)
            return [value, None if size >= 4 else (value[0] + 7, 2 * value[1])]
        return [value, value]

    def any(self, flag: bool) -> bool:
        return flag


def test_the_worst_rank_counts() -> None:
    trials = search([1, 2, 4], MadeUp(), 1e9, _Two(world_size=2))
    assert trials == [Trial(1, 100, 1007, 2.0), Trial(2, 200, 2007, 2.0)]


def config(**engine: object) -> PhaseConfig:
    return PhaseConfig(
        name="nli",
        role="intermediate",
        output=Path("out"),
        tasks=(TaskUse("mnli"),),
        batch=BatchConfig(micro_batches=8),
        engine=EngineConfig(fuse=0, **engine),
    )


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path))


def test_what_was_found_is_remembered_on_this_machine() -> None:
    first = FuseMemory(config(), "abc", ALONE, CPU)
    assert first.known() is None
    assert first.find(MadeUp(), 5000) == 4
    assert FuseMemory(config(), "abc", ALONE, CPU).known() == 4
    # Not for another encoder, other settings that take memory, or another number of ranks.
    assert FuseMemory(config(), "def", ALONE, CPU).known() is None
    assert FuseMemory(config(precision="bf16"), "abc", ALONE, CPU).known() is None
    (file,) = cache_folder("fuse").iterdir()
    table = json.loads(file.read_text())
    assert [trial["fuse"] for trial in table["tried"]] == [1, 2, 4]


def test_what_ran_out_of_memory_is_halved() -> None:
    memory = FuseMemory(config(), "abc", ALONE, CPU)
    memory.find(MadeUp(), 1e9)
    for expected in (4, 2, 1, 1):
        found = memory.known()
        assert found is not None
        assert memory.halve(found) == expected
        assert memory.known() == expected


def test_one_size_needs_no_search() -> None:
    alone = FuseMemory(config(), "abc", ProcessGroup(), CPU)
    alone._allowed = [1]
    assert alone.known() == 1


@pytest.mark.parametrize("text", ["", "[]", '{"fuse": 3}', '{"fuse": "4"}'])
def test_a_broken_memory_is_none(text: str) -> None:
    memory = FuseMemory(config(), "abc", ALONE, CPU)
    memory.find(MadeUp(), 1e9)
    (file,) = cache_folder("fuse").iterdir()
    file.write_text(text)
    assert memory.known() is None

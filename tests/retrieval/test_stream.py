"""Search by blocks from mapped files: the lists of one search, also after a kill at any block."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dstilts.retrieval import stream
from dstilts.retrieval.search import TopK, mutual_search
from dstilts.retrieval.stream import StateFile, Vectors, stream_mutual_search, unusable_row
from tests.distributed.launch import REPOSITORY

WIDTH = 12
ROW_BYTES = WIDTH * 4


class Killed(Exception):
    pass


def matrix(file: Path, size: int, seed: int, dtype: str = "float32") -> Vectors:
    """A mapped file whose vectors stand twice or more, so that there are ties between blocks."""
    draws = np.random.default_rng(seed)
    np.save(file, draws.normal(size=(size, WIDTH)).astype(dtype)[draws.integers(0, size, size)])
    return Vectors(np.load(file, mmap_mode="r"))


def assert_same(found: tuple[TopK, TopK], expected: tuple[TopK, TopK]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.scores, other.scores)
        assert torch.equal(one.indices, other.indices)


@pytest.mark.parametrize("rows", [1, 7, 16, 1000])
def test_any_size_of_blocks(tmp_path: Path, rows: int) -> None:
    x, y = matrix(tmp_path / "x.npy", 33, 1), matrix(tmp_path / "y.npy", 50, 2)
    expected = mutual_search(x.block(0, 33), y.block(0, 50), 5)
    said: list[tuple[int, int]] = []
    found = stream_mutual_search(
        x, y, 5, block_bytes=rows * ROW_BYTES, say=lambda *done: said.append(done)
    )
    assert_same(found, expected)
    blocks = -(-33 // rows) * -(-50 // rows)
    assert said == [(number + 1, blocks) for number in range(blocks)]


def test_chosen_rows_in_their_order(tmp_path: Path) -> None:
    x, y = matrix(tmp_path / "x.npy", 30, 1), matrix(tmp_path / "y.npy", 20, 2)
    rows = np.array([29, 3, 3, 11, 0])
    chosen = Vectors(x.matrix, rows)
    expected = mutual_search(torch.from_numpy(x.matrix[rows]), y.block(0, 20), 2)
    assert_same(stream_mutual_search(chosen, y, 2, block_bytes=2 * ROW_BYTES), expected)


def test_double_precision_is_read_as_single(tmp_path: Path) -> None:
    x = matrix(tmp_path / "x.npy", 30, 1, "float64")
    assert x.block(0, 30).dtype == torch.float32
    expected = mutual_search(x.block(0, 30), x.block(0, 30), 2)
    assert_same(stream_mutual_search(x, x, 2, block_bytes=7 * ROW_BYTES), expected)


@pytest.mark.parametrize(("num_x", "num_y"), [(0, 5), (5, 0), (0, 0)])
def test_empty_sides(num_x: int, num_y: int) -> None:
    x, y = (Vectors(np.ones((size, 3), np.float32)) for size in (num_x, num_y))
    forward, backward = stream_mutual_search(x, y, 4)
    assert (forward.indices.shape, backward.indices.shape) == ((num_x, 0), (num_y, 0))


class Search:
    """A search in blocks that can be killed after some of them."""

    def __init__(self, folder: Path, key: str = "k") -> None:
        self.x, self.y = matrix(folder / "x.npy", 33, 1), matrix(folder / "y.npy", 50, 2)
        self.state = StateFile(folder / "search.safetensors", key, seconds=0.0)
        self.expected = mutual_search(self.x.block(0, 33), self.y.block(0, 50), 5)

    def run(self, kill_after: int | None = None, **changes: Any) -> list[int]:
        """Returns the numbers of the blocks that were searched."""
        searched: list[int] = []

        def say(done: int, total: int) -> None:
            searched.append(done)
            if done == kill_after:
                raise Killed

        options = {"block_bytes": 10 * ROW_BYTES, "state": self.state, **changes}
        found = stream_mutual_search(self.x, self.y, 5, say=say, **options)
        assert_same(found, self.expected)
        return searched


def test_goes_on_after_a_kill_at_any_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_SAVE_SHARE", 0)
    for kill_after in range(1, 20):
        (tmp_path / str(kill_after)).mkdir()
        search = Search(tmp_path / str(kill_after))
        with pytest.raises(Killed):
            search.run(kill_after)
        assert search.run() == list(range(kill_after + 1, 21))
        assert search.run() == []


def test_goes_on_where_it_was_last_saved(tmp_path: Path) -> None:
    search = Search(tmp_path)
    state = StateFile(search.state.file, "k", seconds=1000.0)
    with pytest.raises(Killed):
        search.run(9, state=state)
    assert not search.state.file.exists()
    assert search.run(state=state) == list(range(1, 21))
    assert search.run(state=state) == [], "the end is always saved"


@pytest.mark.parametrize("change", [{"key": "other"}, {"block_bytes": 11 * ROW_BYTES}])
def test_the_state_of_another_search_is_not_used(
    tmp_path: Path, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_SAVE_SHARE", 0)
    search = Search(tmp_path)
    with pytest.raises(Killed):
        search.run(7)
    if "key" in change:
        change = {"state": StateFile(search.state.file, change["key"])}
    assert search.run(**change)[0] == 1


def test_a_broken_state_is_not_used(tmp_path: Path) -> None:
    search = Search(tmp_path)
    search.state.file.write_bytes(b"broken")
    assert search.run()[0] == 1


def test_rows_that_cannot_be_searched(tmp_path: Path) -> None:
    vectors = np.ones((20, 3), np.float32)
    assert unusable_row(Vectors(vectors), 3 * 12) is None
    vectors[13] = 0
    assert unusable_row(Vectors(vectors), 3 * 12) == (13, "is zero and has no direction")
    vectors[11, 2] = np.nan
    assert unusable_row(Vectors(vectors), 3 * 12) == (11, "has a number that is not finite")
    assert unusable_row(Vectors(vectors, np.array([0, 13])), 12) == (
        1,
        "is zero and has no direction",
    )
    # Large and small numbers are none of that.
    edges = np.array([[3e38, 3e38, 3e38], [1e-45, 0, 0]], np.float32)
    assert unusable_row(Vectors(edges)) is None


# The process may take 64 MiB more than it has; its file has 160 MiB. Mapped pages do not count, as
# they do not fill the memory; copies of them do.
BOUNDED = """
import resource, sys
import numpy as np
import torch
from dstilts.retrieval.stream import Vectors, stream_mutual_search, unusable_row
torch.set_num_threads(1)
many, few = (Vectors(np.load(name, mmap_mode="r")) for name in sys.argv[1:3])
stream_mutual_search(Vectors(many.matrix[:99]), Vectors(few.matrix[:99]), 3)
status = dict(line.split(":") for line in open("/proc/self/status") if line.startswith("VmData"))
bytes_now = int(status["VmData"].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (bytes_now + (64 << 20),) * 2)
try:
    many.block(0, len(many))
except MemoryError:
    print("too large")
assert unusable_row(many, 4 << 20) is None
for number, sides in enumerate([(many, few), (few, many)]):
    forward, backward = stream_mutual_search(*sides, 3, block_bytes=4 << 20)
    np.savez(sys.argv[3 + number], *forward, *backward)
"""


def test_a_file_that_is_larger_than_the_memory(tmp_path: Path) -> None:
    width, rows = 4096, 10_000
    draws = np.random.default_rng(8)
    few = draws.normal(size=(400, width)).astype(np.float32)
    np.save(tmp_path / "few.npy", few)
    shape = (rows, width)
    many = np.lib.format.open_memmap(tmp_path / "many.npy", "w+", np.float32, shape)
    for first in range(0, rows, 400):  # near copies, moved further from part to part
        many[first : first + 400] = few + np.roll(few, 1 + first // 400, axis=1)
    many.flush()
    files = [str(tmp_path / name) for name in ("many.npy", "few.npy", "one.npz", "other.npz")]
    run = subprocess.run(
        [sys.executable, "-c", BOUNDED, *files], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[0] == "too large"
    sides = torch.from_numpy(np.array(many)), torch.from_numpy(few)
    for file, (x, y) in zip(files[2:], (sides, sides[::-1]), strict=True):
        found = [torch.from_numpy(values) for values in np.load(file).values()]
        assert_same((TopK(*found[:2]), TopK(*found[2:])), mutual_search(x, y, 3))

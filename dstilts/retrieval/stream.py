"""Search of both directions over matrices that are larger than memory, block by block, resumable.

What is in memory at a time: a block of either side, and the lists of neighbours of all rows.

Shapes: S source rows, T target rows, D dimensions, K neighbours.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dstilts.core.digest import short_key
from dstilts.core.files import atomic_file
from dstilts.core.process_group import ProcessGroup
from dstilts.retrieval.crew import Crew
from dstilts.retrieval.lists import empty, joined, merged, moved
from dstilts.retrieval.search import EXACT, SearchOptions, TopK, first_unusable

BLOCK_BYTES = 256 << 20  # of a block of either side
_SAVE_SECONDS = 30.0  # at least, between two savings of the state
_SAVE_SHARE = 20  # a saving that takes a second is made no more often than every so many seconds

# `mutual_search` of two blocks on the host; of the source block the same tensor while it stays.
BlockSearch = Callable[[Tensor, Tensor, int, SearchOptions], tuple[TopK, TopK]]
Say = Callable[[int, int], None]  # told how many of how many blocks are done


@dataclass(frozen=True)
class Vectors:
    """Rows of a matrix that may be mapped from a file: all of them, or some in any order.

    float64 numbers are read as float32.
    """

    matrix: npt.NDArray[Any]  # (N, D) float16, float32 or float64
    rows: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.matrix if self.rows is None else self.rows)

    def block(self, start: int, stop: int) -> Tensor:
        """A copy of some rows."""
        if self.rows is None:
            block = np.array(self.matrix[start:stop])
        else:
            block = self.matrix[self.rows[start:stop]]
        return torch.from_numpy(block.astype(np.float32) if block.dtype == np.float64 else block)

    def spans(self, block_bytes: int) -> list[tuple[int, int]]:
        """The rows cut into blocks of about so many bytes."""
        row_bytes = self.matrix.shape[1] * min(4, self.matrix.itemsize)
        size = max(1, block_bytes // max(1, row_bytes))
        return [(first, min(first + size, len(self))) for first in range(0, len(self), size)]


@dataclass(frozen=True)
class StateFile:
    """Where a search keeps what it has, and the key of all that this is a function of."""

    file: Path
    key: str
    seconds: float = _SAVE_SECONDS


@dataclass
class _State:
    """The lists so far: of each block, after the first `done` pairs of blocks."""

    rows: list[TopK]
    columns: list[TopK]
    done: int = 0
    saved: float = field(default_factory=time.monotonic)
    cost: float = 0.0  # seconds of the last saving


def unusable_row(vectors: Vectors, block_bytes: int = BLOCK_BYTES) -> tuple[int, str] | None:
    """The first row that no cosine can be taken of, and what is wrong with it; None: all can."""
    for start, stop in vectors.spans(block_bytes):
        if (found := first_unusable(vectors.block(start, stop))) is not None:
            return start + found[0], found[1]
    return None


def stream_mutual_search(
    source: Vectors,
    target: Vectors,
    k: int,
    options: SearchOptions = EXACT,
    *,
    state: StateFile | None = None,
    block_bytes: int = BLOCK_BYTES,
    say: Say | None = None,
    search: BlockSearch | None = None,
) -> tuple[TopK, TopK]:
    """`mutual_search` block by block: the same lists, for any size of the blocks.

    With a state file a search that was killed goes on where it was last saved, and ends with what
    it would have ended with; the file is left behind, complete.

    Args:
        search: searches two blocks in memory; None: this process does.

    Raises:
        ValueError: as `mutual_search`. Rows are numbered within a block: look for `unusable_row`
            before.
    """
    spans_S, spans_T = source.spans(block_bytes), target.spans(block_bytes)
    if state is not None:
        what = [state.key, k, options, len(source), len(target), block_bytes]
        state = StateFile(state.file, short_key(what), state.seconds)
    found = _begun(spans_S, spans_T, state)
    search = search or Crew(ProcessGroup()).search
    total = len(spans_S) * len(spans_T)
    kept: tuple[int, Tensor] | None = None  # the source block at hand
    for number in range(found.done, total):
        row, column = divmod(number, len(spans_T))
        if kept is None or kept[0] != row:
            kept = (row, source.block(*spans_S[row]))
        other = target.block(*spans_T[column])
        forward, backward = search(kept[1], other, k, options)
        found.rows[row] = merged(found.rows[row], moved(forward, spans_T[column][0]), k)
        found.columns[column] = merged(found.columns[column], moved(backward, spans_S[row][0]), k)
        found.done = number + 1
        if state is not None:
            _save_now_and_then(found, state, is_last=found.done == total)
        if say is not None:
            say(found.done, total)
    return joined(found.rows), joined(found.columns)


def _begun(
    spans_S: list[tuple[int, int]], spans_T: list[tuple[int, int]], state: StateFile | None
) -> _State:
    """What an earlier search of the same key has left, or no lists yet."""
    rows, columns = ([empty(stop - start) for start, stop in spans] for spans in (spans_S, spans_T))
    found = _State(rows, columns)
    if state is None or not state.file.is_file():
        return found
    try:
        with safe_open(state.file, framework="pt") as stored:
            about = stored.metadata() or {}
            if about.get("key") != state.key:
                return found
            for name, lists in _named(found):
                for number in range(len(lists)):
                    parts = (stored.get_tensor(f"{name}.{number}.{part}") for part in TopK._fields)
                    lists[number] = TopK(*parts)
            found.done = int(about["done"])
    except SafetensorError:
        # No file of ours: it is written whole or not at all.
        return _begun(spans_S, spans_T, None)
    return found


def _named(found: _State) -> Iterator[tuple[str, list[TopK]]]:
    yield "rows", found.rows
    yield "columns", found.columns


def _save_now_and_then(found: _State, state: StateFile, *, is_last: bool) -> None:
    started = time.monotonic()
    if not is_last and started - found.saved < max(state.seconds, _SAVE_SHARE * found.cost):
        return
    tensors = {
        f"{name}.{number}.{part}": values.contiguous()
        for name, lists in _named(found)
        for number, found_lists in enumerate(lists)
        for part, values in found_lists._asdict().items()
    }
    with atomic_file(state.file) as temporary:
        save_file(tensors, temporary, {"key": state.key, "done": str(found.done)})
    found.saved = time.monotonic()
    found.cost = found.saved - started

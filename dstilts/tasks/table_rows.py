"""Rows of a token table as arrays: views of the mapped file, not one Python number a token."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

Row = dict[str, Any]
_Get = Callable[[int], Any]


class RowReader:
    """Reads single rows of a token table, at random, several times faster than the table itself.

    Threads may share a reader.

    Args:
        table: a table whose columns hold numbers, lists of numbers, or lists of such lists.
    """

    def __init__(self, table: "Dataset") -> None:
        self._columns = {name: table.data.column(name) for name in table.column_names}
        first = next(iter(self._columns.values()))
        self._starts = np.cumsum([0, *(len(chunk) for chunk in first.chunks)])
        self._readers: dict[int, dict[str, _Get]] = {}  # by chunk, as they are met

    def rows(self, numbers: np.ndarray) -> list[Row]:
        """The rows of these numbers: an integer, an int32 array or a list of arrays by column.

        The arrays are read-only views.
        """
        chunks = np.searchsorted(self._starts, numbers, side="right") - 1
        places = numbers - self._starts[chunks]
        return [
            {name: get(place) for name, get in self._chunk(chunk).items()}
            for chunk, place in zip(chunks.tolist(), places.tolist(), strict=True)
        ]

    def _chunk(self, chunk: int) -> dict[str, _Get]:
        if chunk not in self._readers:
            self._readers[chunk] = {
                name: _reader(column.chunk(chunk)) for name, column in self._columns.items()
            }
        return self._readers[chunk]


def _reader(array: "pa.Array") -> _Get:
    """What gives one value of an array by its place."""
    import pyarrow as pa

    if not pa.types.is_list(array.type):
        numbers = array.to_numpy()
        return lambda place: int(numbers[place])
    offsets = array.offsets.to_numpy()
    if not pa.types.is_list(array.type.value_type):
        values = array.values.to_numpy()
        return lambda place: values[offsets[place] : offsets[place + 1]]
    inner = _reader(array.values)
    return lambda place: [inner(index) for index in range(offsets[place], offsets[place + 1])]

"""Single rows of token tables: the same as the table gives them, whatever its parts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset

from dstilts.tasks.table_rows import RowReader

COLUMNS = {
    "label": pa.int32(),
    "input_ids": pa.list_(pa.int32()),
    "choice_input_ids": pa.list_(pa.list_(pa.int32())),
}
ROWS = [
    {
        "label": n - 3,
        "input_ids": [*range(n % 5)],
        "choice_input_ids": [[n] * k for k in range(n % 4)],
    }
    for n in range(30)
]


@pytest.fixture(params=[1, 7, 30])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Dataset:
    """The rows in parts of so many."""
    schema = pa.schema(COLUMNS)
    with pa.ipc.new_stream(str(tmp_path / "rows.arrow"), schema) as writer:
        for first in range(0, len(ROWS), request.param):
            writer.write_batch(
                pa.RecordBatch.from_pylist(ROWS[first : first + request.param], schema)
            )
    return Dataset.from_file(str(tmp_path / "rows.arrow"))


def test_rows_in_any_order_and_more_than_once(table: Dataset) -> None:
    numbers = np.array([29, 0, 7, 7, 13, 1])
    for row, number in zip(RowReader(table).rows(numbers), numbers, strict=True):
        expected = table[int(number)]
        assert row["label"] == expected["label"]
        assert type(row["label"]) is int
        assert row["input_ids"].tolist() == expected["input_ids"]
        assert row["input_ids"].dtype == np.int32
        assert [each.tolist() for each in row["choice_input_ids"]] == expected["choice_input_ids"]


def test_columns_that_were_chosen(table: Dataset) -> None:
    rows = RowReader(table.select_columns(["label"])).rows(np.arange(30))
    assert rows == [{"label": row["label"]} for row in ROWS]


def test_no_rows(table: Dataset) -> None:
    assert RowReader(table).rows(np.array([], dtype=np.int64)) == []


def test_arrays_are_views_of_the_file(table: Dataset) -> None:
    (row,) = RowReader(table).rows(np.array([4]))
    assert not row["input_ids"].flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        row["input_ids"][0] = 9


def test_a_row_that_is_not_there(table: Dataset) -> None:
    for number in (-1, 30):
        with pytest.raises(IndexError):
            RowReader(table).rows(np.array([number]))

"""The examples' scores beside a record: what was written is read, small, and never half."""

from pathlib import Path

import numpy as np
import pytest

from dstilts.core.errors import UserError
from dstilts.evaluation.score_files import scores_file, store_scores, stored_scores
from dstilts.tasks.metrics.example_scores import ExampleScores


def scores(above: list[float], below: list[float], ids: str = "") -> ExampleScores:
    names = tuple(ids) or tuple(f"q{number:05d}" for number in range(len(above)))
    return ExampleScores("f1", names, np.array(above), np.array(below))


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ([1, 0, 1], [1, 1, 1]),
        ([0, 0], [3, 300]),
        ([0.25, 2 / 3, 0], [1, 1, 1]),
        ([70_000, 0, 3.5], [1, 0, 70_000]),
        ([1], [1]),
        ([], []),
    ],
)
def test_what_is_written_is_read(tmp_path: Path, above: list[float], below: list[float]) -> None:
    store_scores(tmp_path / "a" / "x.scores", scores(above, below), "key")
    found = stored_scores(tmp_path / "a" / "x.scores")
    assert found is not None
    assert (found.metric, found.identity) == ("f1", "key")
    assert found.numerators.tolist() == above
    assert found.denominators.tolist() == below
    assert found.value == scores(above, below).value


def test_examples_are_in_the_order_of_their_ids(tmp_path: Path) -> None:
    for name, given in (
        ("a", scores([1, 2, 3], [4, 5, 6], "bca")),
        ("b", scores([3, 1, 2], [6, 4, 5], "abc")),
    ):
        store_scores(tmp_path / name, given, "key")
    one, other = stored_scores(tmp_path / "a"), stored_scores(tmp_path / "b")
    assert one is not None
    assert other is not None
    assert one.ids == other.ids
    assert one.numerators.tolist() == other.numerators.tolist() == [3, 1, 2]
    store_scores(tmp_path / "c", scores([1, 2, 3], [4, 5, 6], "abd"), "key")
    third = stored_scores(tmp_path / "c")
    assert third is not None
    assert third.ids != one.ids


def test_an_accuracy_takes_a_byte_an_example(tmp_path: Path) -> None:
    right = np.random.default_rng(1).integers(0, 2, 5_000).astype(float).tolist()
    store_scores(tmp_path / "x", scores(right, [1.0] * 5_000), "key")
    assert (tmp_path / "x").stat().st_size < 5_500


def test_no_file_and_a_broken_file(tmp_path: Path) -> None:
    assert stored_scores(tmp_path / "none.scores") is None
    file = tmp_path / "x.scores"
    store_scores(file, scores([1, 0, 0.5], [1, 1, 1]), "key")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"x\.scores: no example scores"):
        stored_scores(file)


def test_the_file_of_a_record() -> None:
    record = Path("runs/records/abc/xnli.de.test.json")
    assert scores_file(record) == Path("runs/scores/abc/xnli.de.test.scores")

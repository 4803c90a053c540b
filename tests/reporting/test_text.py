"""How numbers are written."""

import pytest

from dstilts.reporting import text


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, ""), (1.25, "+1.2"), (-0.3, "\u22120.3"), (0.04, "0.0"), (-0.04, "0.0")],
)
def test_signed(value: float | None, written: str) -> None:
    assert text.signed(value) == written


def test_a_score_that_is_not_there_is_never_a_zero() -> None:
    assert text.score(None) == "missing"
    assert text.score(0.0) == "0.0"


@pytest.mark.parametrize(
    ("value", "written"),
    [(8.44, "8.4 s"), (48.2, "48 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (None, "")],
)
def test_seconds(value: float | None, written: str) -> None:
    assert text.seconds(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(830, "830"), (12_400, "12.4 k"), (256_000, "256 k"), (2_543_210, "2.54 M"), (3e9, "3.00 G")],
)
def test_magnitude(value: float, written: str) -> None:
    assert text.magnitude(value) == written


def test_ranges_and_lists() -> None:
    assert text.number_range([500, 500]) == "500"
    assert text.number_range([439, 5010]) == "439 to 5,010"
    assert text.listing(["a"]) == "a"
    assert text.listing(["a", "b", "c"]) == "a, b and c"
    assert text.plural(1, "seed") == "1 seed"
    assert text.plural(2, "seed") == "2 seeds"

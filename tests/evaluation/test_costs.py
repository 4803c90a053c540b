"""What micro-batches take: fitted from measured ones, guessed before that, never negative."""

from pathlib import Path

import numpy as np
import pytest

from dstilts.core.random_numbers import stream
from dstilts.evaluation.costs import CostMemory, CostModel, EncoderShape
from dstilts.evaluation.shard_file import Timing

SHAPE = EncoderShape(linear=1_000_000, width=64)
TRUE = (2e-3, 3e-6, 4e-9)
SIZES = [(rows, length) for rows in (1, 4, 16, 60) for length in (8, 30, 128, 500)]


def timings(coefficients: tuple[float, float, float], noise: float = 0.0) -> list[Timing]:
    seconds = CostModel(coefficients).seconds(*map(list, zip(*SIZES, strict=True)))
    factors = 1 + noise * stream("costs").random(len(SIZES))
    return [
        Timing(rows, length, float(s))
        for (rows, length), s in zip(SIZES, seconds * factors, strict=True)
    ]


def test_finds_the_coefficients() -> None:
    assert CostModel.fitted(timings(TRUE)).coefficients == pytest.approx(TRUE, rel=1e-6)
    linear = CostModel.fitted(timings((0.0, 3e-6, 0.0)))
    assert linear.coefficients == pytest.approx((0.0, 3e-6, 0.0), rel=1e-6, abs=1e-12)


def test_no_coefficient_is_negative() -> None:
    # A cost that falls with the square of the length has no such model: the best one is linear.
    falling = [Timing(t.rows, t.length, t.seconds) for t in timings((0.0, 3e-6, -2e-9))]
    fitted = CostModel.fitted(falling)
    assert min(fitted.coefficients) >= 0
    assert fitted.coefficients[2] == 0


def test_a_pause_weighs_little() -> None:
    measured = timings(TRUE)
    measured[5] = Timing(measured[5].rows, measured[5].length, 600.0)
    rows, lengths = map(list, zip(*SIZES, strict=True))
    found = CostModel.fitted(measured).seconds(rows, lengths)
    expected = CostModel(TRUE).seconds(rows, lengths)
    assert np.abs(found / expected - 1).max() < 0.15


def test_is_guessed_at_first_and_then_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path))
    memory = CostMemory(SHAPE, "fp32", 1)
    guess = CostModel.by_flops(SHAPE, 1)
    assert min(guess.coefficients) > 0
    assert memory.model("heads") == guess
    memory.learn("heads", timings(TRUE)[:3])
    assert memory.model("heads") == guess  # too few
    memory.learn("heads", timings(TRUE))
    fitted = CostMemory(SHAPE, "fp32", 1).model("heads")
    assert fitted.coefficients == pytest.approx(TRUE, rel=1e-6)
    for other in (CostMemory(SHAPE, "bf16", 1), CostMemory(EncoderShape(5, 7), "fp32", 1)):
        assert other.model("heads") != fitted
    assert memory.model("mlm") == guess
    for file in tmp_path.rglob("*.json"):
        file.write_text(file.read_text()[:-30])
    assert memory.model("heads") == guess  # a broken file counts as none

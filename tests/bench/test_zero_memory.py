"""The formula of ZeRO's memory, with numbers worked out by hand."""

import pytest

from dstilts.bench.zero_memory import ZeroBytes, zero_bytes


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (0, ZeroBytes(4000, 4000, 0, 8000)),
        (1, ZeroBytes(4000, 4000, 1000, 2000)),
        (2, ZeroBytes(4000, 1000, 1000, 2000)),
        (3, ZeroBytes(1000, 1000, 1000, 2000)),
    ],
)
def test_fp32_on_four_ranks(stage: int, expected: ZeroBytes) -> None:
    assert zero_bytes(1000, precision="fp32", stage=stage, world_size=4) == expected


def test_bf16_is_the_sixteen_bytes_of_the_paper() -> None:
    # ZeRO's paper (arXiv 1910.02054): 2 + 2 + 12 bytes a parameter, 4 + 12 / N, 2 + 14 / N, 16 / N.
    totals = [
        zero_bytes(6400, precision="bf16", stage=stage, world_size=64).total for stage in range(4)
    ]
    assert totals == [16 * 6400, 4 * 6400 + 1200, 2 * 6400 + 1400, 1600]


def test_a_part_is_rounded_up() -> None:
    assert zero_bytes(10, precision="bf16", stage=3, world_size=4) == ZeroBytes(6, 6, 12, 24)


@pytest.mark.parametrize(
    ("stage", "offload", "expected"),
    [
        (1, "optimizer", ZeroBytes(2000, 2000, 0, 0)),
        (2, "optimizer", ZeroBytes(2000, 0, 0, 0)),
        (3, "optimizer", ZeroBytes(1000, 0, 0, 0)),
        (3, "parameters", ZeroBytes(0, 0, 0, 0)),
    ],
)
def test_what_offloading_leaves_on_the_device(
    stage: int, offload: str, expected: ZeroBytes
) -> None:
    found = zero_bytes(1000, precision="bf16", stage=stage, world_size=2, offload=offload)
    assert found == expected

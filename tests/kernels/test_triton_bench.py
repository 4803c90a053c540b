"""The measurement of the Triton search runs, and what it measures is right."""

import json
from pathlib import Path

import pytest

from dstilts_kernels.topk import triton_bench


def test_a_small_measurement(tmp_path: Path) -> None:
    triton_bench.main(
        ["--sizes", "40", "--widths", "8", "--rounds", "1", "--out", str(tmp_path / "out.json")]
    )
    written = json.loads((tmp_path / "out.json").read_text())
    assert set(written["machine"]) == {"device", "torch", "triton", "date"}
    (result,) = written["results"]
    assert result["rows_wrong"] == 0
    assert set(result["seconds"]) == {"product", "candidates", "search", "torch"}
    times = result["seconds"]["candidates"]
    assert result["tflops"]["candidates"] == pytest.approx(2e-12 * 40 * 40 * 8 / times[1])


def test_wrong_neighbours_are_counted() -> None:
    x, y = triton_bench._bitext(20, 4, triton_bench.torch.device("cpu"))
    right = triton_bench._torch_topk(x, y)[1]
    assert triton_bench._wrong(x, y, right) == 0
    assert triton_bench._wrong(x, y, right.roll(1, dims=0)) > 15

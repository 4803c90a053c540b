"""The padding bench: what its sides compute, and that other ways to attend compute the same."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from dstilts.bench import padding, padding_sides
from dstilts.bench.attention_peers import attend_flex, attend_varlen
from dstilts.bench.padding_sides import (
    GROUPED,
    IN_ORDER,
    PACKED,
    PACKED_IN_ORDER,
    cut_in_order,
)
from dstilts.core.files import read_json
from dstilts.models.packed_attention import Kernel, PackedRows, attend_runs
from tests.models.cuda_kernels import cuda_kernels
from tests.tiny import tiny_encoder


@pytest.mark.parametrize("padded", [True, False])
def test_runs_in_order_fill_the_budget_and_no_more(padded: bool) -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 100)
    order = np.random.default_rng(1).permutation(100)
    runs = cut_in_order(order, lengths, 64, 1000, padded=padded)
    assert np.array_equal(np.concatenate(runs), order)

    def size(run: np.ndarray) -> int:
        return int(lengths[run].max() * len(run) if padded else lengths[run].sum())

    assert all(size(run) <= 64 for run in runs)
    for run, following in pairwise(runs):
        assert size(np.append(run, following[0])) > 64
    assert len(cut_in_order(order, lengths, 64, 3, padded=padded)) == 3
    # A row that is longer than the budget stands alone.
    assert [len(run) for run in cut_in_order(order[:5], lengths + 64, 64, 9, padded=padded)] == (
        [1] * 5
    )


def test_the_bench_writes_what_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    encoder, out = str(tiny_encoder(tmp_path / "encoder")), tmp_path / "out.json"
    words = ["--encoder", encoder, "--examples", "60", "--tokens", "900", "--micro-batches", "2"]
    assert padding.main([*words, "--rounds", "1", "--checkpoint", "--out", str(out)]) == 0
    result = read_json(out)
    sides = result["sides"]
    changed = [f"{GROUPED}, checkpointed", f"{PACKED}, checkpointed"]
    assert list(sides) == [IN_ORDER, GROUPED, PACKED_IN_ORDER, PACKED, *changed]
    assert sides[PACKED]["padding_share"] == sides[PACKED_IN_ORDER]["padding_share"] == 0
    assert sides[IN_ORDER]["padding_share"] > sides[GROUPED]["padding_share"] >= 0
    assert sides[PACKED]["num_tokens"] == sides[GROUPED]["num_tokens"]
    assert sides[GROUPED]["ratio_to_grouped"] == 1
    assert all(figures["tokens_per_second"] > 0 for figures in sides.values())
    table = capsys.readouterr().out
    assert all(name in table for name in sides)


def test_a_mistake_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert padding.main(["--encoder", str(tmp_path / "none"), "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


def test_a_side_with_another_kernel_runs_it() -> None:
    called = []

    def attend(*arguments: object) -> torch.Tensor:
        called.append(arguments)
        raise KeyboardInterrupt

    class Model(torch.nn.Module):
        def forward(self, batch: dict) -> None:
            padding.packed_attention.kernel_for(batch["query"], None)(1)

    usual = padding.packed_attention.kernel_for
    side = padding_sides.Side("other", Model(), [{"query": torch.ones(1)}], 1, 1, attend)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        padding._run(side)
    assert called == [(1,)]
    assert padding.packed_attention.kernel_for is usual


@pytest.mark.parametrize("kernel", [attend_varlen, attend_flex])
def test_peers_attend_within_rows(kernel: Kernel) -> None:
    lengths = [3, 3, 9, 1, 30]
    starts = torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32)
    rows = PackedRows(starts, torch.empty(0), len(lengths), max(lengths))
    query, key, value = torch.randn(3, sum(lengths), 2, 16, generator=torch.Generator())
    with cuda_kernels():
        found = kernel(query, key, value, rows, 0.0, 16**-0.5, None)
    wanted = attend_runs(query, key, value, rows, 0.0, 16**-0.5, None)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)

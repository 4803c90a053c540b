"""The compiled kernels: built here, each set of instructions by name, and what is done without."""

import logging

import pytest
import torch

from dstilts_kernels.topk import api, choice, native
from tests.kernels.search_cases import Case, sides


def test_compiled_here() -> None:
    """The suite runs where a compiler is: a silent fall back to torch would test nothing."""
    backend = native.backend()
    assert backend is not None
    assert choice.choose(None, None, torch.device("cpu"), 4, 64)[0].name == "native"
    assert "fp32" in backend.precisions


def test_one_set_of_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sides(Case(1, "clusters", 120, 150, 37, 4, "cosine", torch.float32, True))
    expected = api.mutual_topk(x, y, 4, metric="cosine", backend="reference")
    loaded = native.library()
    assert loaded is not None
    for isa, precision in native.kernels(loaded):
        monkeypatch.setenv(native.ISA_VARIABLE, isa)
        found = api.mutual_topk(x, y, 4, metric="cosine", backend="native", precision=precision)
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one.indices, other.indices)
            assert torch.equal(one.scores, other.scores)
    monkeypatch.setenv(native.ISA_VARIABLE, "portable")
    portable = native.backend()
    assert portable is not None
    assert portable.precisions == ("fp32",)
    monkeypatch.setenv(native.ISA_VARIABLE, "sse9")
    with pytest.raises(ValueError, match=r"DSTILTS_SEARCH_ISA is 'sse9', but .*'portable'"):
        native.backend()


def test_without_compiled_kernels(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    choice._say_not_compiled.cache_clear()
    x, y = sides(Case(2, "random", 20, 30, 8, 3, "cosine", torch.float32, True))
    with caplog.at_level(logging.WARNING):
        found = [api.topk(x, y, 3, metric="cosine") for _ in range(2)]
    expected = api.topk(x, y, 3, metric="cosine", backend="reference")
    assert torch.equal(found[0].indices, expected.indices)
    assert [record.message.split(" (")[0] for record in caplog.records] == [
        "the search kernels were not compiled"
    ]
    with pytest.raises(ValueError, match="no search back end 'native' for cpu tensors"):
        api.topk(x, y, 3, backend="native")
    choice._say_not_compiled.cache_clear()


def test_a_library_that_does_not_load_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native.ctypes, "CDLL", _fails)
    native.library.cache_clear()
    assert native.library() is None
    native.library.cache_clear()


def _fails(path: str) -> None:
    raise OSError(path)


def test_lengths() -> None:
    vectors = torch.tensor([[3.0, 4.0], [0, 0], [3e38, 3e38], [1e-45, 0], [float("nan"), 0]])
    lengths = native.lengths(vectors)
    assert lengths is not None
    expected = torch.linalg.vector_norm(vectors.double(), dim=1)
    torch.testing.assert_close(lengths, expected, rtol=1e-15, atol=0, equal_nan=True)


def test_loop_seconds() -> None:
    x, y = sides(Case(3, "random", 200, 300, 64, 4, "cosine", torch.float32, True))
    backend = native.backend()
    assert backend is not None
    for precision in backend.precisions:
        seconds = backend.loop_seconds(x, y, 8, precision)
        assert seconds.keys() == {"fused", "bare"}
        assert all(value > 0 for value in seconds.values())

"""Search around a ring of real ranks: bit for bit the answer of one process, for 1, 2 and 4."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dstilts.retrieval.search import mutual_search
from tests.distributed.launch import REPOSITORY, free_port

pytestmark = pytest.mark.distributed


def run_ranks(folder: Path, ranks: int, k: int, x: np.ndarray, y: np.ndarray) -> list[Path]:
    """What each of the ranks wrote."""
    folder.mkdir()
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    words = [str(k), *(str(folder / name) for name in ("x.npy", "y.npy")), str(folder)]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.distributed.ring_worker", *words],
            cwd=REPOSITORY,
            env={
                **os.environ,
                **common,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(ranks),
            },
        )
        for rank in range(ranks)
    ]
    try:
        assert [process.wait(timeout=150) for process in started] == [0] * ranks
    finally:
        for process in started:
            process.kill()
    return sorted([*folder.glob("*.npz"), *folder.glob("*.txt")])


def sides(num_queries: int, num_corpus: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of which many stand twice, so that ties cross the borders of shards."""
    draws = np.random.default_rng(7)
    found = []
    for size in (num_queries, num_corpus):
        vectors = draws.normal(size=(size, 16))
        vectors[size // 2 :] = vectors[draws.integers(0, max(1, size // 2), size - size // 2)]
        found.append(vectors.astype(dtype))
    return found[0], found[1]


@pytest.mark.parametrize(
    ("num_queries", "num_corpus", "k", "dtype"),
    [(301, 157, 4, "float32"), (5, 3, 8, "float32"), (64, 90, 1, "float16")],
)
def test_any_number_of_ranks(
    num_queries: int, num_corpus: int, k: int, dtype: str, tmp_path: Path
) -> None:
    x, y = sides(num_queries, num_corpus, dtype)
    expected = mutual_search(torch.from_numpy(x), torch.from_numpy(y), k)
    for ranks in (1, 2, 4):
        files = run_ranks(tmp_path / str(ranks), ranks, k, x, y)
        parts = [np.load(file) for file in files]
        assert len(parts) == ranks
        for direction, lists in zip(("forward", "backward"), expected, strict=True):
            for name, values in lists._asdict().items():
                found = np.concatenate([part[f"{direction}_{name}"] for part in parts])
                np.testing.assert_array_equal(found, values.numpy())
                assert found.dtype == values.numpy().dtype


def test_a_row_without_direction_is_named_on_every_rank(tmp_path: Path) -> None:
    x, y = sides(30, 20, "float32")
    y[17] = 0
    files = run_ranks(tmp_path / "ranks", 2, 4, x, y)
    assert [file.read_text() for file in files] == [
        "row 17 of the corpus is zero and has no direction"
    ] * 2

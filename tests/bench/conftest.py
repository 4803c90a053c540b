"""Fixtures of the bench's tests: a cache of their own, a tiny encoder without dropout, rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dstilts.bench.examples import make_sets
from dstilts.core.files import read_json, write_json
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import token_rows
from dstilts.engine.phase import BatchConfig
from dstilts.engine.plan import TaskRows
from tests.tiny import tiny_encoder, tiny_tokenizer


@pytest.fixture(scope="package", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(tmp_path_factory.mktemp("bench-cache")))
        yield


@pytest.fixture(scope="package")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder without dropout: what differs then is what a side does."""
    folder = tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")
    config = read_json(folder / "config.json")
    write_json(
        folder / "config.json",
        {**config, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    )
    return folder


@pytest.fixture(scope="package")
def rows() -> TaskRows:
    """Forty rows of made-up examples of mnli."""
    batch = BatchConfig(max_length=128)
    [found] = token_rows([make_sets("mnli", 40, 0, 1)[0]], tiny_tokenizer(), batch, ProcessGroup())
    return found

"""Fixtures of the engine's tests: a cache of their own, a tiny encoder, signals put back."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstilts.engine.preemption import SIGNALS
from tests.tiny import tiny_encoder


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path_factory.getbasetemp() / "engine-cache"))


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """A run that was told to stop leaves its handlers in place, for the process is about to end."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder."""
    return tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")

"""What the tests of checks share: an untouched environment and one assertion."""

import os
from pathlib import Path

import pytest

from dstilts.engine.finding import Finding

LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*LAUNCHED, *(name for name in os.environ if name.startswith("SLURM_"))]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "extensions"))


def expect(found: Finding, level: str, *texts: str) -> None:
    """The level of a finding, and parts of its line."""
    assert found.level == level, found
    for text in texts:
        assert text in f"{found.text} -> {found.remedy}"

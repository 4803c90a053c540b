"""The default encoder, converted once for a whole test session."""

import os
from pathlib import Path

import pytest

from dstilts.models.default import default_encoder_folder


@pytest.fixture(scope="session")
def encoder_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that all processes of this test session share."""
    base = tmp_path_factory.getbasetemp()
    # Each worker of pytest-xdist has a folder of its own below the session's.
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "dstilts-cache"


@pytest.fixture(scope="session")
def default_folder(encoder_cache: Path) -> Path:
    """The folder of the converted default encoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(encoder_cache))
        return default_encoder_folder()

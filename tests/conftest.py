"""Fixtures shared by all tests."""

import os
import signal
from pathlib import Path

import pytest
import torch

# Without a GPU, Triton's kernels run in its interpreter. Triton reads this when it is imported,
# which some library may do before the tests of the kernels.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# A script's background job ignores these, and so would the programs that tests send them to.
for _each in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_each) is signal.SIG_IGN:
        signal.signal(_each, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data sets: $DSTILTS_DATA, or shared/data beside the checkout."""
    named = os.environ.get("DSTILTS_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(named) if named else beside
    if not folder.is_dir():
        message = f"no real data: set DSTILTS_DATA (looked for {folder})"
        # Where changes are checked before they land, nothing may go untested for want of data.
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests use no network, and run on the CPU accelerator of DeepSpeed."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")

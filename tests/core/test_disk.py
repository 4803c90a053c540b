"""Full disks: real ones where a small one may be mounted, and files that a limit cuts off."""

import errno
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from dstilts.core.disk import disk_error, free_bytes, is_disk_full, require_space, size_text

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def short_files() -> Iterator[None]:
    """No file of this process may be longer than 1 MiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python turns this signal into an error of the call; so do its children's.
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    assert free_bytes(small_disk) == free_bytes(small_disk / "a" / "b") == 2 * MIB
    with pytest.raises(OSError, match="No space") as raised, (small_disk / "x").open("wb") as file:
        file.write(bytes(4 * MIB))
    assert is_disk_full(raised.value)
    expected = "the disk is full (4.0 MiB needed, 0 bytes free)"
    assert disk_error(raised.value, small_disk, 4 * MIB) == expected


def test_a_full_disk_under_safetensors(small_disk: Path) -> None:
    with pytest.raises((SafetensorError, OSError)) as raised:
        save_file({"a": torch.zeros(MIB)}, small_disk / "a.safetensors")
    assert disk_error(raised.value, small_disk).startswith("the disk is full (")


def test_a_file_that_is_cut_off(tmp_path: Path, short_files: None) -> None:
    with pytest.raises(OSError, match="large") as raised, (tmp_path / "x").open("wb") as file:
        file.write(bytes(2 * MIB))
        file.flush()
    assert raised.value.errno == errno.EFBIG
    assert disk_error(raised.value).startswith("a file would be larger than this system allows")


def test_a_file_of_safetensors_that_is_cut_off(tmp_path: Path, short_files: None) -> None:
    with pytest.raises((SafetensorError, OSError)) as raised:
        save_file({"a": torch.zeros(MIB)}, tmp_path / "a.safetensors")
    assert is_disk_full(raised.value)


def test_what_libraries_make_of_it(tmp_path: Path) -> None:
    words = os.strerror(errno.EDQUOT)
    assert disk_error(RuntimeError(f"I/O error: {words} (os error 122)")) == (
        "the disk quota is used up"
    )
    named = OSError(errno.ENOSPC, "no room", str(tmp_path / "x"))
    assert disk_error(named) == f"the disk is full ({size_text(free_bytes(tmp_path))} free)"


def test_other_errors_are_told_as_they_are() -> None:
    error = PermissionError(errno.EACCES, "Permission\ndenied", "/x")
    assert not is_disk_full(error)
    assert disk_error(error) == "[Errno 13] Permission denied: '/x'"
    assert not is_disk_full(ValueError("full"))


def test_space_is_asked_for_beforehand(tmp_path: Path) -> None:
    require_space(tmp_path / "new" / "folder", 1)
    with pytest.raises(OSError, match="No space") as raised:
        require_space(tmp_path / "new", 1 << 62)
    assert is_disk_full(raised.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("size", "text"),
    [(17, "17 bytes"), (1024, "1.0 KiB"), (3.1 * 2**30, "3.1 GiB"), (2.0**60, "1048576.0 TiB")],
)
def test_sizes_for_people(size: float, text: str) -> None:
    assert size_text(size) == text

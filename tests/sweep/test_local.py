"""The local executor: slots share the machine, a stop leaves no process, mistakes are heard."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dstilts.sweep import local
from dstilts.sweep.local import Launch, Slot, slots_at_hand


def launch(
    program: str, folder: Path, monkeypatch: pytest.MonkeyPatch, cores: tuple[int, ...] = ()
) -> tuple[Launch, list[str]]:
    """Runs `program` in the launcher's place; also the lines that were heard."""
    monkeypatch.setattr(local, "_launcher", lambda ranks: [sys.executable, "-c", program])
    heard: list[str] = []
    return Launch(Slot(0, 1, cores), [], folder / "log.txt", heard.append), heard


def code_of(started: Launch) -> int:
    while (code := started.code()) is None:
        time.sleep(0.02)
    return code


def test_our_lines_are_heard_and_all_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "print('[INFO] noise'); print('12:00:00 step 1'); raise SystemExit(7)"
    started, heard = launch(program, tmp_path, monkeypatch)
    assert code_of(started) == 7
    assert heard == ["12:00:00 step 1\n"]
    assert "[INFO] noise" in (tmp_path / "log.txt").read_text()
    assert started.mistake is None


def test_a_mistake_of_the_user_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; print('dstilts: bad.tsv:3: wrong'); sys.exit(2)"
    started, _ = launch(program, tmp_path, monkeypatch)
    assert code_of(started) == 2
    assert started.mistake == "bad.tsv:3: wrong"


def test_a_slot_keeps_to_its_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = min(os.sched_getaffinity(0))
    program = "import os; print('00:00:00', os.sched_getaffinity(0), os.environ['OMP_NUM_THREADS'])"
    started, heard = launch(program, tmp_path, monkeypatch, cores=(core,))
    code_of(started)
    assert heard == [f"00:00:00 {{{core}}} 1\n"]


def test_a_stop_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import subprocess; p = subprocess.Popen(['sleep', '60']); "
    program += "print('00:00:00', p.pid, flush=True); p.wait()"
    started, heard = launch(program, tmp_path, monkeypatch)
    while not heard:
        time.sleep(0.02)
    started.stop()
    assert not _lives(int(heard[0].split()[1]))
    assert started.code() == -signal.SIGTERM


def test_a_launch_is_told_when_its_driver_is_killed(tmp_path: Path) -> None:
    child = "import os, time; print('00:00:00', os.getpid(), flush=True); time.sleep(60)"
    driver = (
        "import sys, time\nfrom pathlib import Path\nfrom dstilts.sweep import local\n"
        f"local._launcher = lambda ranks: [sys.executable, '-c', {child!r}]\n"
        "show = lambda line: print(line.split()[1], flush=True)\n"
        f"local.Launch(local.Slot(0, 1), [], Path({str(tmp_path)!r}) / 'log', show)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", driver], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(pid)


def test_slots_divide_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert [slot.cores for slot in slots_at_hand()] == [(core,) for core in range(8)]
    two = slots_at_hand(2)
    assert [(slot.ranks, slot.cores) for slot in two] == [
        (4, (0, 1, 2, 3)),
        (4, (4, 5, 6, 7)),
    ]
    assert [slot.ranks for slot in slots_at_hand(ranks=2)] == [2, 2, 2, 2]
    (whole,) = slots_at_hand(1, 2)
    assert (whole.ranks, whole.cores) == (2, ())


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"

"""An evaluation that is struck at random places and started again until it is done."""

import contextlib
import dataclasses
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from dstilts.evaluation.executors import HANGS

REPOSITORY = Path(__file__).resolve().parents[2]
# hang: SIGSTOP to a worker, or to a rank of MPI; full disk: a small disk that is full, or files
# that may not grow where none can be mounted; second master: another evaluation on the same folder
# at the same time.
KINDS = {
    "worker killed": "x",
    "master killed": "X",
    "hang": "s",
    "cut-off file": "v",
    "flipped bit": "^",
    "full disk": "D",
    "second master": "P",
    "MPI job killed": "*",
    "MPI rank hangs": "h",
}
LAST_OF_A_START = ("master killed", "MPI job killed", "MPI rank hangs", "full disk")
WORKERS = 2
DISK = 8 << 20  # bytes


@dataclasses.dataclass
class Fault:
    """What struck a start, and how far the evaluation was."""

    kind: str
    start: int
    at_shard: int = dataclasses.field(default=-1, compare=False)


class Evaluation:
    """An evaluation that is struck now and then, until it is done."""

    def __init__(self, folder: Path, model: Path, *, mpi: bool) -> None:
        self.folder, self.model, self.mpi = folder, model, mpi
        self.output = folder / "runs"
        self.notes = folder / "notes"
        self.notes.mkdir(parents=True)
        self.output.mkdir()
        self.faults: list[Fault] = []
        self.codes: list[int] = []
        self.done_at_start: list[int] = []

    def go(self, draw: random.Random, kinds: list[str]) -> None:
        """Starts until the evaluation is done; each kind strikes once, in turn."""
        left = list(kinds)
        while not self.codes or self.codes[-1] != 0:
            assert len(self.codes) < 10 + 2 * len(kinds), self.log()
            self.done_at_start.append(len(self.shards()))
            started = [self.launch()]
            if left[:1] == ["second master"]:
                started.append(self.launch())
                self.faults.append(Fault(left.pop(0), len(self.codes), self.done_at_start[-1]))
            self._strike(started[0], left, draw)
            codes = [ended(each) for each in started]
            assert 2 not in codes, self.log()
            if Fault("MPI rank hangs", len(self.codes)) in self.faults:
                # The others go on to the end; then the job is ended, with the code that says so.
                assert codes == [HANGS], self.log()
            self.codes.append(codes[0])
            with contextlib.suppress(FileNotFoundError):
                (self.output / "filler").unlink()  # room is made
        self.faults += [Fault(kind, -1) for kind in left]  # they came too late

    def _strike(
        self, started: subprocess.Popen[bytes], left: list[str], draw: random.Random
    ) -> None:
        """Strikes at random moments as long as the start runs and something is left."""
        while left and started.poll() is None:
            seen = len(self.shards())
            wanted = seen + draw.randint(1, 4)
            while started.poll() is None and len(self.shards()) < wanted:
                time.sleep(0.005)
            at = len(self.shards())
            if started.poll() is None and self._send(left[0], started, draw):
                self.faults.append(Fault(left.pop(0), len(self.codes), at))
                if self.faults[-1].kind in LAST_OF_A_START:
                    return

    def _send(self, kind: str, started: subprocess.Popen[bytes], draw: random.Random) -> bool:
        """Whether there was anything to strike."""
        match kind:
            case "worker killed" | "hang" | "MPI job killed" | "MPI rank hangs":
                workers = self.workers(started.pid)
                if workers:
                    number = signal.SIGSTOP if "hang" in kind else signal.SIGKILL
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(draw.choice(workers), number)
                        return True
            case "master killed":
                os.kill(started.pid, signal.SIGKILL)
                return True
            case "cut-off file" | "flipped bit":
                return spoil(self.shards(), kind, draw)
            case "full disk":
                return self._fill(started.pid)
        return False

    def _fill(self, started: int) -> bool:
        if self.output.is_mount():
            size = shutil.disk_usage(self.output).free
            with contextlib.suppress(OSError), (self.output / "filler").open("wb") as filler:
                filler.write(bytes(size + DISK))
            return True
        for worker in self.workers(started):
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
        return True

    def launch(self) -> subprocess.Popen[bytes]:
        """Starts the evaluation, with a session of its own."""
        job = [sys.executable, "-m", "tests.evaluation.faults_job"]
        job += [str(self.model), str(self.output), str(self.notes), str(WORKERS)]
        if self.mpi:
            mpiexec = str(Path(sys.executable).with_name("mpiexec"))
            job = [mpiexec, "-n", str(WORKERS + 1), *job]
        with (self.folder / "log.txt").open("a") as log:
            return subprocess.Popen(
                job,
                cwd=REPOSITORY,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def workers(self, started: int) -> list[int]:
        """The processes of a start that have run a shard and live."""
        found = []
        for pid in sorted({int(line.split()[0]) for line in self.ran()}):
            with contextlib.suppress(OSError):
                if os.getsid(pid) in (started, *_children(started)) and _state(pid) in "SRD":
                    found.append(pid)
        return [pid for pid in found if pid != started]

    def ran(self) -> list[str]:
        """A line for each time that a shard was begun."""
        with contextlib.suppress(FileNotFoundError):
            return (self.notes / "ran").read_text().splitlines()
        return []

    def shards(self) -> list[Path]:
        """The files of shards that are there."""
        return sorted(self.output.glob("predictions/*/shards/*/[0-9]*.safetensors"))

    def log(self) -> str:
        return (self.folder / "log.txt").read_text()[-4000:]

    def verdict(self, twin: "Evaluation") -> dict[str, object]:
        """Compares every record and prediction with the twin's."""
        found, expected = contents(self.output), contents(twin.output)
        shards = len(twin.ran())
        leftovers = [
            str(f) for f in self.output.rglob("*") if ".tmp" in f.name or "shards" in f.name
        ]
        return {
            "mpi": self.mpi,
            "codes": self.codes,
            "shards": shards,
            "shards_run": len(self.ran()),
            "done_at_start": self.done_at_start,
            "faults": [dataclasses.asdict(fault) for fault in self.faults if fault.start >= 0],
            "files": len(expected),
            "lost": sorted(expected.keys() - found.keys()),
            "double": sorted(found.keys() - expected.keys()),
            "different": sorted(n for n in expected if n in found and found[n] != expected[n]),
            "left_over": leftovers,
            "ok": found == expected and not leftovers,
        }


def contents(runs: Path) -> dict[str, bytes]:
    """The records and predictions."""
    files = [*runs.glob("predictions/*/*.json"), *runs.glob("records/*/*.json")]
    return {str(file.relative_to(runs)): file.read_bytes() for file in files}


def spoil(files: list[Path], kind: str, draw: random.Random) -> bool:
    """Cuts one of the files off, or flips one of its bits, in place."""
    if not files:
        return False
    with contextlib.suppress(FileNotFoundError), draw.choice(files).open("r+b") as stream:
        content = bytearray(stream.read())
        place = draw.randrange(len(content))
        if kind == "cut-off file":
            stream.truncate(place)
        else:
            stream.seek(place)
            stream.write(bytes([content[place] ^ 1 << draw.randrange(8)]))
        return True
    return False


def ended(started: subprocess.Popen[bytes]) -> int:
    """The exit code of a start; nothing of its session is left behind."""
    try:
        code = started.wait(timeout=400)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGCONT)
        until = time.monotonic() + 30
        for pid in [started.pid, *_children(started.pid)]:
            while _in_session(pid) and time.monotonic() < until:
                time.sleep(0.02)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
    return code


def _in_session(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if os.getsid(int(entry.name)) == session and _state(int(entry.name)) != "Z":
                    found.append(int(entry.name))
    return found


def _children(launched: int) -> list[int]:
    """The processes below a launch: mpiexec gives ranks sessions of their own."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parent = int(fields[1])
                if parent == launched or (parent in found):
                    found.append(int(entry.name))
    return found


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

"""A campaign of faults: evaluations are struck at random places, started again, and compared.

`python -m tests.evaluation.faults OUT.json --faults 100` writes every fault and what became of the
evaluation; beside it OUT.svg draws them. All must end with the files of an undisturbed one.
"""

import argparse
import contextlib
import dataclasses
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from dstilts.core.files import write_json
from tests.campaign_figure import Start, draw_starts
from tests.evaluation.tiny_farm import publish_tiny

REPOSITORY = Path(__file__).resolve().parents[2]
# hang: SIGSTOP to a worker; full disk: a small disk that is full, or files that may not grow where
# none can be mounted; second master: another evaluation on the same folder at the same time.
KINDS = {
    "worker killed": "x",
    "master killed": "X",
    "hang": "s",
    "cut-off file": "v",
    "flipped bit": "^",
    "full disk": "D",
    "second master": "P",
    "MPI job killed": "*",
}
FAULTS_EACH = 5
WORKERS = 2
DISK = 8 << 20  # bytes


@dataclasses.dataclass
class Fault:
    """What struck a start, and how far the evaluation was."""

    kind: str
    start: int
    at_shard: int


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
            self.codes.append(codes[0])
            with contextlib.suppress(FileNotFoundError):
                (self.output / "filler").unlink()  # room is made
        self.faults += [Fault(kind, -1, -1) for kind in left]  # they came too late

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
                if self.faults[-1].kind in ("master killed", "MPI job killed", "full disk"):
                    return

    def _send(self, kind: str, started: subprocess.Popen[bytes], draw: random.Random) -> bool:
        """Whether there was anything to strike."""
        match kind:
            case "worker killed" | "hang" | "MPI job killed":
                workers = self.workers(started.pid)
                if workers:
                    number = signal.SIGSTOP if kind == "hang" else signal.SIGKILL
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


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of its own, where one may be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = (
        shutil.which("mount") is not None
        and not subprocess.run(command, capture_output=True).returncode
    )
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def rounds(draw: random.Random, num_faults: int) -> Iterator[tuple[bool, list[str]]]:
    """For each evaluation whether it runs under MPI, and its faults: every kind equally often."""
    alone = [kind for kind in KINDS if kind != "MPI job killed"]
    ranks = ["MPI job killed", "cut-off file", "flipped bit"]
    number = 0
    while num_faults > 0:
        mpi = number % 4 == 3
        pool: list[str] = []
        while len(pool) < min(FAULTS_EACH, num_faults):
            pool += draw.sample(ranks if mpi else alone, len(ranks if mpi else alone))
        # A second master begins with the first.
        kinds = sorted(pool[: min(FAULTS_EACH, num_faults)], key=lambda k: k != "second master")
        yield mpi, kinds
        num_faults -= len(kinds)
        number += 1


def campaign(folder: Path, num_faults: int, seed: int) -> dict:
    """Runs the campaign; a fault that came too late for an evaluation strikes another one."""
    model = publish_tiny(folder / "model")
    twin = Evaluation(folder / "twin", model, mpi=False)
    twin.go(random.Random(0), [])
    draw = random.Random(seed)
    verdicts: list[dict] = []
    left = num_faults
    while left > 0:
        for mpi, kinds in rounds(draw, left):
            verdicts.append(_struck(folder / f"{len(verdicts):03d}", model, mpi, draw, kinds, twin))
            struck = verdicts[-1]["faults"]
            left -= len(struck)
            words = ", ".join(fault["kind"] for fault in struck)
            verdict = "ok" if verdicts[-1]["ok"] else "WRONG"
            print(f"{len(verdicts)}: {verdict}, {left} to go ({words})", flush=True)
    return {
        "faults": num_faults,
        "seed": seed,
        "ok": all(verdict["ok"] for verdict in verdicts),
        "lost": sum(len(verdict["lost"]) for verdict in verdicts),
        "double": sum(len(verdict["double"]) for verdict in verdicts),
        "by_kind": {
            kind: sum(f["kind"] == kind for v in verdicts for f in v["faults"]) for kind in KINDS
        },
        "evaluations": verdicts,
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "versions": {name: version(name) for name in ("torch", "mpi4py", "safetensors")},
    }


def _struck(
    folder: Path, model: Path, mpi: bool, draw: random.Random, kinds: list[str], twin: Evaluation
) -> dict:
    evaluation = Evaluation(folder, model, mpi=mpi)
    disk = small_disk(evaluation.output) if "full disk" in kinds else contextlib.nullcontext()
    with disk:
        evaluation.go(draw, kinds)
        verdict = evaluation.verdict(twin)
    if verdict["ok"]:
        shutil.rmtree(folder)
    return verdict


def draw_figure(result: dict, path: Path) -> None:
    """One line an evaluation: how many shards were there in each start, and what struck it."""
    runs = {}
    for number, evaluation in enumerate(result["evaluations"]):
        starts = []
        for index, first in enumerate(evaluation["done_at_start"]):
            marks = [
                (f["at_shard"], f["kind"]) for f in evaluation["faults"] if f["start"] == index
            ]
            is_last = index == len(evaluation["codes"]) - 1
            last = evaluation["shards"] if is_last else max([first, *(at for at, _ in marks)])
            starts.append(Start(first, last, marks))
        workers = "MPI" if evaluation["mpi"] else "processes"
        runs[f"{number + 1}: {workers}, {len(starts)} starts"] = starts
    verdict = "0 lost, 0 double, all equal" if result["ok"] else "NOT ALL ARE EQUAL"
    title = f"{result['faults']} faults: {verdict}"
    draw_starts(runs, KINDS, path, axis="shards that are there", title=title)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DSTILTS_CACHE"] = str(Path(folder) / "cache")
        result = campaign(Path(folder), options.faults, options.seed)
    write_json(options.out, result)
    draw_figure(result, options.out.with_suffix(".svg"))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

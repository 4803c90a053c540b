"""A campaign of kills: runs are killed at random places, started again, and compared.

`python -m tests.distributed.campaign OUT.json --kills 50` writes every kill and what became of the
run; beside it OUT.svg draws them. Each run has an undisturbed twin on two ranks.
"""

import argparse
import dataclasses
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from dstilts.checkpoints.resume import MANIFEST_FILE
from dstilts.core.files import write_json
from dstilts.core.logs import read_events
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.preemption import EXIT_CODE
from dstilts.engine.saving import resume_folder
from tests.campaign_figure import Start, draw_starts
from tests.distributed.launch import launch, rank_processes
from tests.distributed.phases import phase
from tests.distributed.reference import published_weights
from tests.tiny import tiny_encoder

STEPS = 40
WORK = {"single": ("mnli",), "multi": ("mnli", "udpos", "squad_v1")}
STAGES = (0, 1, 2, 3)
# one rank: SIGKILL; power-off: SIGKILL to launcher and ranks at once; while saving: the same as
# soon as a resume point is begun; told to stop: SIGTERM to one rank.
KINDS = ("one rank", "power-off", "while saving", "told to stop")
TOLERANCE = 1e-5


@dataclasses.dataclass
class Kill:
    """One kill: what, where, and from where the run went on."""

    run: str
    kind: str
    ranks: int
    at_step: int  # the last one taken
    exit_code: int
    resumed_from: int | None = None


class Run:
    """A phase that is killed now and then, until it is done."""

    def __init__(self, folder: Path, encoder: Path, work: str, stage: int, number: int) -> None:
        self.name = f"{work}-zero{stage}-{number}"
        self.work, self.stage = work, stage
        self.folder = folder / self.name
        self.config = make(self.folder / self.name, encoder, work, stage)
        self.ranks_used: list[int] = []
        self.kills: list[Kill] = []

    def go(self, draw: random.Random, num_kills: int, elastic: bool) -> None:
        """Starts and kills the run so many times, then lets it end."""
        for number in range(num_kills + 1):
            ranks = draw.choice((1, 2, 4)) if elastic else 2
            self.ranks_used.append(ranks)
            started = launch([self.config], self.folder / "launch", ranks=ranks)
            if self.kills:
                self.kills[-1].resumed_from = self._first_step(number)
            if number == num_kills:
                assert started.wait(timeout=300) == 0, self._log()
                break
            # Kills spread over the run, so that each finds something to kill.
            low = STEPS * number // (num_kills + 1)
            high = STEPS * (number + 1) // (num_kills + 1)
            kind = draw.choice(KINDS)
            self._wait_for(draw.randint(low, high - 1), kind, started)
            send(kind, started.pid, draw)
            exit_code = started.wait(timeout=120)
            wait_until_gone(started.pid)
            kill = Kill(self.name, kind, ranks, self._taken(), exit_code)
            assert kind != "told to stop" or kill.exit_code == EXIT_CODE, self._log()
            assert not self.config.output.exists(), f"{self.name} was done before it was killed"
            self.kills.append(kill)

    def verdict(self, twin: "Run") -> dict[str, object]:
        """Compares losses and weights with the twin's."""
        expected, seen = dict(losses(twin.config)), losses(self.config)
        same_ranks = set(self.ranks_used) == {2}
        worst = max(abs(loss - expected[step]) for step, loss in seen)
        weights = published_weights(self.config.output)
        wanted = published_weights(twin.config.output)
        weight = max(float((weights[name] - wanted[name]).abs().max()) for name in wanted)
        return {
            "run": self.name,
            "work": self.work,
            "zero_stage": self.stage,
            "ranks": self.ranks_used,
            "steps_seen": [step for step, _ in seen],
            "no_step_skipped": covers(self.config),
            "largest_loss_difference": worst,
            "largest_weight_difference": weight,
            "ok": covers(self.config)
            and (worst == weight == 0.0 if same_ranks else max(worst, weight) <= TOLERANCE),
            "kills": [dataclasses.asdict(kill) for kill in self.kills],
        }

    def _wait_for(self, step: int, kind: str, started: object) -> None:
        """Waits until a step was taken (and, if wanted, a point is being saved after it)."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            taken = self._taken()
            if taken >= step and (kind != "while saving" or is_saving(self.config)):
                return
            assert started.poll() is None, self._log()  # type: ignore[attr-defined]
            time.sleep(0.001 if taken >= step else 0.01)
        raise AssertionError(f"{self.name} does not reach step {step}: {self._log()}")

    def _taken(self) -> int:
        return max((step for step, _ in losses(self.config)), default=-1)

    def _first_step(self, number: int) -> int:
        """Where the start of that number began."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            starts = [e for e in events(self.config) if e["event"] == "start"]
            if len(starts) > number:
                return int(str(starts[number]["first_step"]))
            time.sleep(0.02)
        raise AssertionError(f"{self.name} does not start: {self._log()}")

    def _log(self) -> str:
        return (self.folder / "launch" / "log.txt").read_text()[-4000:]


def make(output: Path, encoder: Path, work: str, stage: int) -> PhaseConfig:
    options = {"steps": STEPS, "zero_stage": stage, "save_every": 3}
    return phase(output, encoder, *WORK[work], **options)


def events(config: PhaseConfig) -> list[dict]:
    path = config.run_folder / "events.jsonl"
    return read_events(path) if path.exists() else []


def losses(config: PhaseConfig) -> list[tuple[int, float]]:
    return [(e["step"], e["loss"]) for e in events(config) if e["event"] == "train"]


def covers(config: PhaseConfig) -> bool:
    """Whether every start goes on from a step that was saved, and the last one reaches the end.

    A start's steps follow each other without a gap or a repetition.
    """
    expected: int | None = None
    taken: set[int] = set()
    for event in events(config):
        if event["event"] == "start":
            expected = int(event["first_step"])
            if not set(range(expected)) <= taken:
                return False
        elif event["event"] == "train":
            if event["step"] != expected:
                return False
            taken.add(event["step"])
            expected += 1
    return expected == STEPS


def is_saving(config: PhaseConfig) -> bool:
    points = resume_folder(config).glob("step-*")
    return any(not (point / MANIFEST_FILE).exists() for point in points)


def send(kind: str, launched: int, draw: random.Random) -> None:
    ranks = rank_processes(launched)
    match kind:
        case "one rank":
            os.kill(draw.choice(ranks), signal.SIGKILL)
        case "told to stop":
            os.kill(draw.choice(ranks), signal.SIGTERM)
        case _:
            os.killpg(launched, signal.SIGKILL)


def wait_until_gone(launched: int) -> None:
    """The ranks of a killed launcher are orphans for a moment; what is left is killed."""
    until = time.monotonic() + 60
    while rank_processes(launched) and time.monotonic() < until:
        time.sleep(0.05)
    for left in rank_processes(launched):
        os.kill(left, signal.SIGKILL)


def campaign(folder: Path, num_kills: int, seed: int, stages: tuple[int, ...] = STAGES) -> dict:
    """Runs the campaign; every second run changes its number of ranks at each start."""
    encoder = tiny_encoder(folder / "encoder")
    twins = {(w, s): Run(folder / "twins", encoder, w, s, 0) for w in WORK for s in stages}
    done = launch([twin.config for twin in twins.values()], folder / "twins" / "launch")
    assert done.wait(timeout=400) == 0, (folder / "twins" / "launch" / "log.txt").read_text()
    draw = random.Random(seed)
    verdicts: list[dict[str, object]] = []
    left, number = num_kills, 0
    for work, stage in cycle_of(list(twins)):
        if left == 0:
            break
        run = Run(folder, encoder, work, stage, number)
        kills = min(left, 5)
        run.go(draw, kills, elastic=number // len(twins) % 2 == 1 or number % 2 == 1)
        left, number = left - kills, number + 1
        verdicts.append(run.verdict(twins[work, stage]))
        verdict = "ok" if verdicts[-1]["ok"] else "WRONG"
        print(f"{run.name}: {verdict}, {left} kills to go", flush=True)
        shutil.rmtree(run.folder, ignore_errors=True)
    return {
        "kills": num_kills,
        "seed": seed,
        "steps": STEPS,
        "ok": all(verdict["ok"] for verdict in verdicts),
        "runs": verdicts,
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "versions": {name: version(name) for name in ("torch", "deepspeed")},
    }


def cycle_of(pairs: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    while True:
        yield from pairs


def draw_figure(result: dict, path: Path) -> None:
    """One line a run: the steps of each start, and the kills between them."""
    runs = {}
    for run in result["runs"]:
        firsts = [0, *(kill["resumed_from"] for kill in run["kills"])]
        starts = [
            Start(first, kill["at_step"], [(kill["at_step"], kill["kind"])])
            for first, kill in zip(firsts, run["kills"], strict=False)
        ]
        starts.append(Start(firsts[-1], result["steps"] - 1))
        runs[f"{run['run']} ({'/'.join(map(str, run['ranks']))} ranks)"] = starts
    verdict = "every run ended as its undisturbed twin" if result["ok"] else "NOT ALL RUNS AGREE"
    marks = dict(zip(KINDS, ("x", "X", "s", "v"), strict=True))
    draw_starts(runs, marks, path, axis="step", title=f"{result['kills']} kills: {verdict}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DSTILTS_CACHE"] = str(Path(folder) / "cache")
        result = campaign(Path(folder), options.kills, options.seed)
    write_json(options.out, result)
    draw_figure(result, options.out.with_suffix(".svg"))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

"""A campaign of faults: evaluations are struck at random places, started again, and compared.

`python -m tests.evaluation.faults OUT.json --faults 100` writes every fault and what became of the
evaluation; beside it OUT.svg draws them. All must end with the files of an undisturbed one.
"""

import argparse
import contextlib
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from dstilts.core.files import write_json
from dstilts.evaluation.executors import HANGS
from tests.campaign_figure import Start, draw_starts
from tests.evaluation.struck import DISK, KINDS, Evaluation
from tests.evaluation.tiny_farm import publish_tiny

FAULTS_EACH = 5


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
    alone = [kind for kind in KINDS if not kind.startswith("MPI")]
    ranks = ["MPI job killed", "MPI rank hangs", "cut-off file", "flipped bit"]
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
            # Beside a rank that hangs the others do all the rest, and may have merged it.
            is_complete = evaluation["codes"][index] in (0, HANGS)
            was_complete = HANGS in evaluation["codes"][:index]
            last = evaluation["shards"] if is_complete else max([first, *(at for at, _ in marks)])
            starts.append(Start(last if was_complete else first, last, marks))
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

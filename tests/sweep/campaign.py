"""A grid whose driver and workers are killed at random moments, beside an undisturbed one.

`python -m tests.sweep.campaign OUT.json --kills 10` runs the smoke grid twice; what must hold: the
same scores and models, no node done twice, no claim left behind.
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from dstilts.bench.machine import describe_machine
from dstilts.core.digest import file_digest
from dstilts.core.files import write_json

KINDS = ("driver", "worker", "all")
_DONE = re.compile(r"sweep: (.*) done in ")


def start(grid: str, runs: Path) -> "subprocess.Popen[bytes]":
    """A driver in a process group of its own."""
    command = [sys.executable, "-m", "dstilts", "sweep", "run", grid, "--output", str(runs)]
    log = (runs.parent / f"{runs.name}.log").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def workers(driver: int) -> list[int]:
    """The processes of a driver's slots, and what they started."""
    found, ahead = [], [driver]
    while ahead:
        parent = ahead.pop()
        listed = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True)
        children = [int(word) for word in listed.stdout.split()]
        found += children
        ahead += children
    return found


def kill(kind: str, driver: int, dice: random.Random) -> None:
    """kill -9 of the driver, of one worker, or of everything."""
    targets = workers(driver)
    if kind == "worker":
        targets = [dice.choice(targets)] if targets else []
    elif kind == "driver":
        targets = [driver]
    else:
        targets = [driver, *targets]
    for pid in targets:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def results(runs: Path) -> dict[str, Any]:
    """Scores by record, and digests of the weights by model."""
    records = {}
    for file in sorted(runs.glob("records/*/*.json")):
        record = json.loads(file.read_text())
        records[f"{record['model']['key']} {file.name}"] = [record["metrics"], record["interval"]]
    weights = {
        file.parent.name: file_digest(file) for file in runs.glob("models/*/model.safetensors")
    }
    return {"records": records, "weights": weights}


def done_lines(runs: Path) -> Counter[str]:
    """How often each node was said to be done."""
    lines = (line for file in runs.glob("logs/slot-*.log") for line in file.open())
    return Counter(found[1] for line in lines if (found := _DONE.search(line)))


def campaign(grid: str, folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Runs both grids and compares them."""
    calm, struck = folder / "calm", folder / "struck"
    begin = time.monotonic()
    assert start(grid, calm).wait() == 0, (folder / "calm.log").read_text()[-2000:]
    seconds = time.monotonic() - begin
    dice, strikes = random.Random(seed), []
    for number in range(kills):
        driver = start(grid, struck)
        wait = dice.uniform(2.0, 2 * seconds / (kills + 1))
        kind = KINDS[number % len(KINDS)]
        time.sleep(wait)
        ended = driver.poll()
        kill(kind, driver.pid, dice)
        if kind == "worker":
            time.sleep(1.0)  # the driver notices and goes on; then it goes too
            kill("all", driver.pid, dice)
        driver.wait()
        strikes.append({"kind": kind, "after": round(wait, 2), "was_done": ended is not None})
        print(f"{number + 1} of {kills}: {kind} after {wait:.1f} s", flush=True)
    code = start(grid, struck).wait()
    one, other = results(calm), results(struck)
    lines = done_lines(struck)
    return {
        "campaign": "sweep",
        "grid": grid,
        "machine": describe_machine("fp32"),
        "seconds_undisturbed": round(seconds, 1),
        "kills": strikes,
        "last_exit_code": code,
        "nodes": len(done_lines(calm)),
        "records": len(one["records"]),
        "records_that_differ": sum(
            one["records"].get(name) != other["records"].get(name)
            for name in {*one["records"], *other["records"]}
        ),
        "models_that_differ": sum(
            one["weights"].get(name) != other["weights"].get(name)
            for name in {*one["weights"], *other["weights"]}
        ),
        "nodes_done_twice": sum(count > 1 for count in lines.values()),
        "claims_left": len(list((struck / "claims").iterdir())),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--grid", default="smoke")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dstilts-campaign-") as name:
        result = campaign(options.grid, Path(name), options.kills, options.seed)
    write_json(options.out, result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

"""`dstilts doctor`: looks at this machine and says what would keep a run from working."""

import json
from pathlib import Path
from typing import Any

from dstilts.cli.parser import add_command, count


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "doctor",
        "check this machine: packages, devices, ranks, MPI, disks; exit code 1 if one has an error",
        "dstilts doctor\n  dstilts doctor --data ../shared/data --runs /scratch/runs --json\n"
        "  srun --nodes=2 --ntasks-per-node=1 --label dstilts doctor",
        run,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder of data sets to look at as well"
    )
    parser.add_argument(
        "--runs",
        type=Path,
        metavar="RUNS_DIR",
        default=Path("runs"),
        help="where models and records are to go (default: runs)",
    )
    parser.add_argument(
        "--ranks",
        type=count,
        metavar="N",
        help="of a run on this machine (default: one a GPU, or two on cores)",
    )


def run(json: bool, data: Path | None, runs: Path, ranks: int | None) -> int:
    """Prints one line a check; returns 1 if any of them found an error."""
    from dstilts.engine.checks import run_checks
    from dstilts.engine.finding import Subject

    found = []
    for name, finding in run_checks(Subject(ranks or _ranks(), runs, data)):
        found.append((name, finding))
        if not json:
            remedy = f" -> {finding.remedy}" if finding.remedy else ""
            text = " ".join(f"{finding.text}{remedy}".split())
            print(f"{finding.level:8s} {name:14s} {text}", flush=True)
    levels = [finding.level for _, finding in found]
    errors, warnings = levels.count("error"), levels.count("warning")
    if json:
        _print_json(found, errors)
    else:
        print(f"{len(levels)} checks: {errors} errors, {warnings} warnings")
    return 1 if errors else 0


def _ranks() -> int:
    from dstilts.sweep.local import ranks_at_hand

    return ranks_at_hand()


def _print_json(found: list[Any], errors: int) -> None:
    checks = [
        {"check": name, "level": each.level, "text": each.text, "remedy": each.remedy}
        for name, each in found
    ]
    print(json.dumps({"version": 1, "ok": not errors, "checks": checks}, indent=1))

"""`dstilts sweep`: a grid file as a graph of phases, planned and run."""

from pathlib import Path
from typing import Any

from dstilts.cli.parser import Parser, add_command


def add(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser: Parser = commands.add_parser("sweep", help="plan or run a grid of phases")
    verbs = parser.add_subparsers(required=True, metavar="plan|run")
    for name, summary, handler in (
        ("plan", "show every phase of a grid, its key, and whether it has to run", plan),
        ("run", "run what is missing of a grid, then write its report", run),
    ):
        example = f"dstilts sweep {name} quickstart --output runs/quickstart"
        verb = add_command(verbs, name, summary, example, handler)
        verb.add_argument("grid", metavar="GRID.toml", help="a grid file, or a recipe's name")
        verb.add_argument("overrides", nargs="*", metavar="key=value", help="keys to set otherwise")
        verb.add_argument(
            "--output", type=Path, metavar="RUNS_DIR", help="default: runs/NAME of the grid"
        )


def plan(grid: str, overrides: list[str], output: Path | None) -> None:
    """Prints the graph; trains nothing."""
    from dstilts.sweep.grid import load_grid
    from dstilts.sweep.prepare import prepare
    from dstilts.sweep.state import is_done

    loaded = load_grid(grid, overrides)
    graph = prepare(loaded, output or Path("runs") / loaded.name)
    for node in graph.phases:
        tasks = "+".join(use.task for use in node.phase.tasks)
        state = "done" if is_done(node) else "to run"
        print(f"{state:7s} {node.key} {node.phase.output.name} trains {tasks}")
    for cell in graph.cells:
        tasks = ",".join(cell.evaluate)
        print(f"cell    {cell.intermediate} x {cell.target} (seed {cell.seed}) evaluates {tasks}")


def run(grid: str, overrides: list[str], output: Path | None) -> None:
    """Runs the grid and reports."""
    from dstilts.cli.report import run as report
    from dstilts.sweep.grid import load_grid
    from dstilts.sweep.scheduler import run_grid

    loaded = load_grid(grid, overrides)
    folder = output or Path("runs") / loaded.name
    run_grid(loaded, folder)
    report(folder, None)

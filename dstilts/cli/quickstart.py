"""`dstilts quickstart`: the main job, a small grid from end to end, sized to the machine."""

from pathlib import Path
from typing import Any

from dstilts.cli.parser import add_command


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "quickstart",
        "run a small grid end to end: intermediate tasks, targets, all languages, a report",
        "dstilts quickstart\n  dstilts quickstart --data ../shared/data --output runs/real",
        run,
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="a folder of real data sets in their upstream layouts (default: the phrasebook)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="RUNS_DIR",
        help="where models, records and the report go (default: runs/quickstart[-data])",
    )


def run(data: Path | None, output: Path | None) -> None:
    """Runs what is missing of the grid, then writes and prints the report."""
    from dstilts.cli.report import run as report
    from dstilts.sweep.grid import load_grid, scaled
    from dstilts.sweep.local import cores_at_hand
    from dstilts.sweep.scheduler import run_grid

    recipe, folder = "quickstart", Path("runs/quickstart")
    overrides = []
    if data is not None:
        recipe, folder = "quickstart_data", Path("runs/quickstart-data")
        overrides = [f"data.folder={str(data)!r}"]
    # The recipes are sized for two cores; the same number of cores always makes the same grid,
    # so that a second call finds every phase done.
    grid = scaled(load_grid(recipe, overrides), cores_at_hand() / 2)
    folder = output or folder
    run_grid(grid, folder)
    report(folder, None)

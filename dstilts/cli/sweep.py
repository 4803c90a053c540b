"""`dstilts sweep`: a grid file as a graph of nodes: planned, run, watched, stopped, cleaned up."""

from pathlib import Path
from typing import Any

from dstilts.cli.parser import Parser, add_command, count
from dstilts.core.errors import RunError, UserError


def add(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser: Parser = commands.add_parser("sweep", help="plan, run and watch a grid of phases")
    verbs = parser.add_subparsers(required=True, metavar="plan|run|status|cancel|gc")
    _add_plan(verbs)
    _add_run(verbs)
    _add_status(verbs)
    _add_cancel(verbs)
    _add_gc(verbs)
    _add_work(verbs)


def _add_grid(verb: Parser) -> None:
    verb.add_argument("grid", metavar="GRID.toml", help="a grid file, or a recipe's name")
    verb.add_argument("overrides", nargs="*", metavar="key=value", help="keys to set otherwise")
    verb.add_argument(
        "--output", type=Path, metavar="RUNS_DIR", help="default: runs/NAME of the grid"
    )


def _add_plan(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "plan",
        "show every node of a grid: whether it has to run, why, and what it will cost",
        "dstilts sweep plan quickstart --output runs/quickstart\n"
        "  dstilts sweep plan paper --budget 200 --json",
        plan,
    )
    _add_grid(verb)
    _add_budget(verb)
    form = verb.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--dot", action="store_true", help="print the graph for Graphviz")


def _add_budget(verb: Parser) -> None:
    verb.add_argument(
        "--budget",
        type=float,
        metavar="HOURS",
        help="core- or GPU-hours: what says most about the grid for its cost comes first",
    )


def _add_run(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "run",
        "run what is missing of a grid, then write its report",
        "dstilts sweep run quickstart --output runs/quickstart\n"
        "  dstilts sweep run paper --slots 4 --ranks 2",
        run,
    )
    _add_grid(verb)
    verb.add_argument(
        "--slots", type=count, metavar="N", help="nodes at a time (default: one a GPU, or a core)"
    )
    verb.add_argument(
        "--ranks", type=count, metavar="N", help="processes that train a phase together"
    )
    _add_budget(verb)
    slurm = verb.add_argument_group("Slurm", "with --slurm, a job a node instead of slots")
    slurm.add_argument("--slurm", action="store_true", help="submit the nodes as jobs, and wait")
    slurm.add_argument("--no-wait", action="store_true", help="do not wait for them")
    slurm.add_argument("--nodes", type=count, metavar="N", help="of a job (default: 1)")
    slurm.add_argument("--cpus", type=count, metavar="N", help="of a rank (default: 1)")
    slurm.add_argument("--gpus", type=count, metavar="N", help="of a node (default: none)")
    slurm.add_argument("--minutes", type=count, metavar="N", help="time limit (default: 480)")
    slurm.add_argument("--partition", metavar="NAME")
    slurm.add_argument("--account", metavar="NAME")


def _add_status(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "status",
        "show what the grids of a folder do now",
        "dstilts sweep status runs/quickstart\n  dstilts sweep status runs/paper --watch",
        status,
    )
    verb.add_argument("runs", type=Path, metavar="RUNS_DIR")
    verb.add_argument("--watch", action="store_true", help="again and again, until all is done")


def _add_cancel(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "cancel",
        "stop the drivers of a folder: what is under way is saved",
        "dstilts sweep cancel runs/paper",
        cancel,
    )
    verb.add_argument("runs", type=Path, metavar="RUNS_DIR")


def _add_gc(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "gc",
        "show what no node needs any more, or remove it",
        "dstilts sweep gc runs/paper\n  dstilts sweep gc runs/paper --delete",
        gc,
    )
    verb.add_argument("runs", type=Path, metavar="RUNS_DIR")
    verb.add_argument("--delete", action="store_true", help="remove it")
    verb.add_argument(
        "--intermediates",
        action="store_true",
        help="models of intermediate phases too, from which later grids may start",
    )


def _add_work(verbs: Any) -> None:
    verb = add_command(
        verbs,
        "work",
        "what `run` starts in each slot: runs nodes until none is left",
        "dstilts sweep work runs/quickstart/grids/quickstart.KEY.json",
        work,
    )
    verb.add_argument("file", type=Path, metavar="FILE", help="the grid as `run` keeps it")
    verb.add_argument("--kind", choices=("phases", "evaluations", "all"), default="all")
    verb.add_argument("--since", type=float, default=0.0, help="older failures do not count")
    verb.add_argument("--workers", type=count, default=1, metavar="N", help="of an evaluation")


def plan(
    grid: str,
    overrides: list[str],
    output: Path | None,
    budget: float | None,
    json: bool,
    dot: bool,
) -> None:
    """Prints the graph; runs nothing."""
    from dstilts.sweep.grid import load_grid
    from dstilts.sweep.plan import make_plan, plan_dot, plan_json, plan_text
    from dstilts.sweep.prepare import prepare

    loaded = load_grid(grid, overrides)
    runs = output or Path("runs") / loaded.name
    found = make_plan(prepare(loaded, runs), runs, budget)
    if json:
        print(plan_json(found))
    elif dot:
        print(plan_dot(found.nodes))
    else:
        print("\n".join(plan_text(found)))


def run(
    grid: str,
    overrides: list[str],
    output: Path | None,
    budget: float | None,
    slurm: bool,
    no_wait: bool,
    **asked: Any,
) -> None:
    """Runs the grid and reports."""
    from dstilts.cli.report import run as report
    from dstilts.core.logs import log
    from dstilts.sweep.grid import load_grid
    from dstilts.sweep.local import slots_at_hand
    from dstilts.sweep.scheduler import run_grid
    from dstilts.sweep.slurm import SlurmOptions, run_on_slurm

    loaded = load_grid(grid, overrides)
    folder = output or Path("runs") / loaded.name
    page = folder / "report.html"
    nodes = () if budget is None else _within(budget, loaded, folder)
    given = {name: value for name, value in asked.items() if value is not None}
    if slurm:
        if "slots" in given:
            raise UserError("--slots is for this machine", remedy="leave it out with --slurm")
        run_on_slurm(loaded, folder, SlurmOptions(**given), nodes, wait=not no_wait)
        if no_wait:
            return
    else:
        if others := sorted(given.keys() - {"slots", "ranks"}):
            raise UserError(f"--{others[0]} is for Slurm", remedy="give --slurm too")
        if not run_grid(loaded, folder, slots_at_hand(**given), nodes) and page.is_file():
            log(f"nothing to do; report: {page}")
            return
    report(folder, None)


def _within(budget: float, grid: Any, runs: Path) -> tuple[str, ...]:
    """The keys of the nodes that a budget is for."""
    from dstilts.sweep.plan import make_plan
    from dstilts.sweep.prepare import prepare

    nodes = make_plan(prepare(grid, runs), runs, budget).to_run
    if not nodes:
        raise UserError(f"nothing that is missing fits into {budget} hours")
    return nodes


def status(runs: Path, watch: bool) -> None:
    """Prints the status, once or until all is done; live on a terminal, plain lines in a log."""
    import sys
    import time

    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from dstilts.sweep.status import grid_statuses, status_text

    found = grid_statuses(runs)
    lines = [line for each in found for line in status_text(each)]
    print("\n".join(lines), flush=True)
    if not watch:
        return
    with Live(console=Console(), refresh_per_second=2) as live:
        while any(each.counts["done"] < each.total for each in found):
            time.sleep(2 if sys.stdout.isatty() else 30)
            found = grid_statuses(runs)
            live.update(Text("\n".join(line for each in found for line in status_text(each))))


def cancel(runs: Path) -> None:
    """Stops the drivers on this machine and waits until they have saved."""
    from dstilts.sweep.drivers import stop_drivers
    from dstilts.sweep.local import STOP_SECONDS

    if (runs / "slurm" / "jobs.json").is_file():
        from dstilts.sweep.slurm import cancel_jobs

        for job in cancel_jobs(runs):
            print(f"cancelled: job {job}")
    ended, left = stop_drivers(runs, 1.5 * STOP_SECONDS)
    for driver in ended:
        print(f"stopped: process {driver.pid} on {driver.host}")
    if not ended and not left:
        print("no driver is at work here")
    if left:
        names = ", ".join(f"process {driver.pid} on {driver.host}" for driver in left)
        raise RunError(f"still at work: {names}; cancel those of other machines there")


def gc(runs: Path, delete: bool, intermediates: bool) -> None:
    """Prints what may go, and removes it if wanted."""
    from dstilts.core.disk import size_text
    from dstilts.sweep.collect import collect, find_waste

    waste = find_waste(runs, intermediates=intermediates)
    for each in waste:
        print(f"{size_text(each.num_bytes):>9s} {each.path}: {each.why}")
    total = size_text(sum(each.num_bytes for each in waste))
    if delete:
        collect(waste, runs)
    print(f"{total} {'removed' if delete else 'may go; --delete removes it'}")


def work(file: Path, kind: Any, since: float, workers: int) -> None:
    """Works through the grid of a driver."""
    from dstilts.core.process_group import launched_ranks
    from dstilts.sweep.kept_grids import read_kept
    from dstilts.sweep.prepare import prepare
    from dstilts.sweep.worker import work as work_through

    chosen = read_kept(file)
    runs = file.parent.parent
    graph = prepare(chosen.grid, runs).only(chosen.nodes)
    work_through(chosen.grid, graph, runs, launched_ranks(), kind, since, workers)

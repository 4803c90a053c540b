"""`dstilts study`: the research questions, each a recipe and an answer."""

from pathlib import Path
from typing import Any

from dstilts.cli.parser import Parser, add_command


def add(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser: Parser = commands.add_parser("study", help="run a research question and answer it")
    verbs = parser.add_subparsers(required=True, metavar="ls|run|report")
    add_command(verbs, "ls", "name the studies and their questions", "dstilts study ls", ls)
    verb = add_command(
        verbs,
        "run",
        "run what is missing of a study, then write its answer",
        "dstilts study run scaling\n"
        '  dstilts study run scaling "sizes=[100, 300, 900]" "seeds=[1, 2, 3]"\n'
        "  dstilts study run scaling --scale full data.source=local data.folder=data",
        run,
    )
    verb.add_argument("name", metavar="NAME", help="see `dstilts study ls`")
    verb.add_argument("overrides", nargs="*", metavar="key=value", help="keys to set otherwise")
    verb.add_argument(
        "--scale",
        choices=("small", "full"),
        default="small",
        help="the recipe: small runs on the phrasebook in minutes, full is meant for GPUs",
    )
    verb.add_argument("--settings", type=Path, metavar="FILE.toml", help="in place of a recipe")
    report_verb = add_command(
        verbs,
        "report",
        "write the answer of a study that has been run again",
        "dstilts study report scaling",
        report,
    )
    report_verb.add_argument("name", metavar="NAME", help="see `dstilts study ls`")
    for each in (verb, report_verb):
        each.add_argument(
            "--output", type=Path, metavar="RUNS_DIR", help="default: runs/study-NAME[-full]"
        )


def ls() -> None:
    """Prints names and questions."""
    from dstilts.studies.registry import STUDIES

    width = max(map(len, STUDIES))
    for name, found in STUDIES.items():
        print(f"{name:{width}s}  {found.question}")


def run(
    name: str, overrides: list[str], scale: Any, settings: Path | None, output: Path | None
) -> None:
    """Runs a study and prints its answer."""
    from dstilts.studies.registry import study
    from dstilts.studies.run import run_study
    from dstilts.studies.settings import load_settings

    found = study(name)
    loaded = load_settings(found.settings, name, scale, settings, overrides)
    suffix = "-full" if scale == "full" else ""
    _print(run_study(found, loaded, output or Path("runs") / f"study-{name}{suffix}"))


def report(name: str, output: Path | None) -> None:
    """Prints the answer of a study from its records."""
    from dstilts.studies.registry import study
    from dstilts.studies.run import report_study

    found = study(name)
    _print(report_study(found, output or Path("runs") / f"study-{name}"))


def _print(result: Any) -> None:
    print(result.question)
    for line in result.answer:
        print(f"  {line}")
    print("What this cannot show:")
    for line in result.limits:
        print(f"  - {line}")

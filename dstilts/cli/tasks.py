"""`dstilts tasks`: what there is to train and to evaluate, and what a folder holds of it."""

from pathlib import Path
from typing import Any

from dstilts.cli.parser import Parser, add_command
from dstilts.core.errors import UserError


def add(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser: Parser = commands.add_parser("tasks", help="list the tasks, or show one")
    verbs = parser.add_subparsers(required=True, metavar="ls|show")
    add_command(verbs, "ls", "list all tasks of the catalog", "dstilts tasks ls", ls)
    verb = add_command(
        verbs,
        "show",
        "show a task: languages, labels, metrics, and what a source has of it",
        "dstilts tasks show xnli --data ../shared/data",
        show,
    )
    verb.add_argument("name", help="the task's name in the catalog")
    verb.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder of data sets (default: the phrasebook)"
    )


def ls() -> None:
    """One line a task."""
    from dstilts.tasks.catalog import TASKS

    for spec in TASKS.values():
        roles = ",".join(spec.roles)
        languages = f"{len(spec.languages)} language{'s' if len(spec.languages) > 1 else ''}"
        print(f"{spec.name:14s} {spec.kind:10s} {roles:20s} {languages:13s} {spec.main_metric}")


def show(name: str, data: Path | None) -> None:
    """A task's row of the catalog, then the splits that the source has, with their sizes."""
    from dstilts.tasks.catalog import task
    from dstilts.tasks.open_source import open_source
    from dstilts.tasks.source import SPLITS

    spec = task(name)
    print(f"{spec.name}: {spec.title}")
    print(f"  kind      {spec.kind}, head {spec.head or 'none'}")
    print(f"  languages {' '.join(spec.languages)}")
    print(f"  labels    {' '.join(spec.labels) or 'none'}")
    print(f"  metrics   {' '.join(spec.metrics)} (main: {spec.main_metric})")
    print(f"  trained on {spec.train_task or 'nothing'}; licence: {spec.licence}")
    source = open_source("local" if data else "phrasebook", data)
    for split in SPLITS:
        for language in source.languages(name, split):
            try:
                found = source.load(name, split, language)
            except UserError as error:
                print(f"  {split:5s} {language:3s} broken: {error}")
                continue
            note = f" ({found.subset})" if found.subset else ""
            print(f"  {split:5s} {language:3s} {len(found):7d} examples{note}")

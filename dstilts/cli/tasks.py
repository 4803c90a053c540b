"""`dstilts tasks`: what there is to train and to evaluate, and what a folder holds of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstilts.cli import leakage
from dstilts.cli.parser import Parser, add_command, count
from dstilts.cli.source import add_source, chosen_source
from dstilts.core.errors import UserError

if TYPE_CHECKING:
    from dstilts.tasks.source import Source
    from dstilts.tasks.task_spec import TaskSpec

_SPLITS = ("train", "dev", "test")


def add(commands: Any) -> None:
    """Adds the command and its verbs."""
    parser: Parser = commands.add_parser("tasks", help="list, show or validate tasks")
    verbs = parser.add_subparsers(required=True, metavar="ls|show|validate|leakage")
    verb = add_command(
        verbs,
        "ls",
        "list all tasks of the catalog, and what a source has of them",
        "dstilts tasks ls --data ../shared/data",
        ls,
    )
    add_source(verb)
    verb = add_command(
        verbs,
        "show",
        "show a task: languages, labels, metrics, and what a source has of it",
        "dstilts tasks show xnli --data ../shared/data",
        show,
    )
    verb.add_argument("name", help="the task's name in the catalog")
    add_source(verb)
    verb = add_command(
        verbs,
        "validate",
        "read every file of a folder that belongs to a task; compare with its MANIFEST.csv",
        "dstilts tasks validate --data ../shared/data",
        validate,
    )
    verb.add_argument("--data", type=Path, metavar="DIR", required=True, help="the folder")
    verb.add_argument(
        "--processes", type=count, default=2, metavar="N", help="that read files (default: 2)"
    )
    leakage.add_verb(verbs)


def ls(data: Path | None, source: str | None) -> None:
    """One line a task: its published sizes, and with a source the languages that it has."""
    from dstilts.tasks.catalog import TASKS

    opened = chosen_source(data, source) if data or source else None
    head = "languages at hand" if opened else "languages"
    print(f"{'task':14s} {'kind':10s} {'train/dev/test published':25s} {head:18s} licence")
    for spec in TASKS.values():
        sizes = _published(spec)
        languages = _at_hand(spec, opened) if opened else str(len(spec.languages))
        print(f"{spec.name:14s} {spec.kind:10s} {sizes:25s} {languages:18s} {spec.licence}")


def show(name: str, data: Path | None, source: str | None) -> None:
    """A task's row of the catalog, then the splits that the source has, with their sizes."""
    from dstilts.tasks.catalog import task

    spec = task(name)
    print(f"{spec.name}: {spec.title}")
    print(f"  kind      {spec.kind}, head {spec.head or 'none'}, {'/'.join(spec.roles)}")
    print(f"  languages {' '.join(spec.languages)}")
    print(f"  labels    {_labels(spec)}")
    print(f"  metrics   {' '.join(spec.metrics)} (main: {spec.main_metric})")
    print(f"  published {_published(spec)} (train/dev/test)")
    print(f"  trained on {spec.train_task or 'nothing'}; licence: {spec.licence}")
    if spec.parts:
        print(f"  made of   {' '.join(spec.parts)}: show them one by one")
        return
    opened = chosen_source(data, source)
    for split in _SPLITS:
        for language in opened.languages(name, split):
            try:
                found = opened.load(name, split, language)
            except UserError as error:
                print(f"  {split:5s} {language:3s} broken: {error}")
                continue
            note = f" ({found.subset})" if found.subset else ""
            print(f"  {split:5s} {language:3s} {len(found):7d} examples{note}")


def validate(data: Path, processes: int) -> int:
    """Counts on standard output, a line for each bad file on standard error; 2 if there is one."""
    from dstilts.tasks import validate_report as report
    from dstilts.tasks.validate import validate as validated

    results = validated(data, processes)
    for line in report.split_lines(results):
        print(line)
    for title, lines in (
        ("read, but no split takes them:", list(report.unused_lines(results))),
        ("belong to no task:", list(report.foreign_lines(results, data))),
    ):
        if lines:
            print(f"\n{title}", *lines, sep="\n  ")
    print(f"\n{report.summary(results, data)}")
    bad = report.bad_lines(results, data)
    for line in bad:
        print(f"dstilts: {line}", file=sys.stderr)
    return 2 if bad else 0


def _published(spec: "TaskSpec") -> str:
    sizes = (spec.published_sizes.get(split) for split in _SPLITS)
    return " / ".join("-" if size is None else f"{size:,}" for size in sizes)


def _at_hand(spec: "TaskSpec", source: "Source") -> str:
    if spec.parts:
        return "of its parts"
    return " / ".join(str(len(source.languages(spec.name, split))) for split in _SPLITS)


def _labels(spec: "TaskSpec") -> str:
    if spec.open_labels:
        return "those of the training set"
    return " ".join(spec.labels) or "none"

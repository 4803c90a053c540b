"""`dstilts tasks leakage`: what training sets share with evaluation sets."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstilts.cli.parser import add_command, names
from dstilts.cli.source import add_source, chosen_source

if TYPE_CHECKING:
    from dstilts.tasks.examples import ExampleSet
    from dstilts.tasks.leakage import Overlap
    from dstilts.tasks.source import Source


def add_verb(verbs: Any) -> None:
    """Adds the verb to `dstilts tasks`."""
    verb = add_command(
        verbs,
        "leakage",
        "compare training sets with evaluation sets: whole examples, and runs of 13 words",
        "dstilts tasks leakage --data DIR --json leakage.json",
        leakage,
    )
    add_source(verb)
    verb.add_argument("--training", type=names, metavar="NAME,...", help="default: all but mlm")
    verb.add_argument("--evaluation", type=names, metavar="NAME,...", help="default: all but mlm")
    verb.add_argument("--json", type=Path, metavar="OUT", dest="json_file", help="all pairs")


def leakage(
    data: Path | None,
    source: str | None,
    training: tuple[str, ...] | None,
    evaluation: tuple[str, ...] | None,
    json_file: Path | None,
) -> None:
    """Prints the pairs that share anything, those that leak first."""
    from dstilts.core.files import write_json
    from dstilts.core.logs import log
    from dstilts.tasks.leakage import find_overlaps
    from dstilts.tasks.training_sets import training_set

    opened = chosen_source(data, source)
    trained = training or _all_training(opened)
    log(f"reading training sets: {', '.join(trained)}")
    trainings = [training_set(opened, name) for name in trained]
    evaluations = evaluation or tuple(name for name in opened.tasks() if name != "mlm")
    found = list(find_overlaps(trainings, _sets(opened, evaluations)))
    for overlap in sorted(found, key=lambda o: (not o.leaks, -max(o.exact, o.runs))):
        if overlap.exact or overlap.runs:
            print(_line(overlap))
    number = sum(overlap.leaks for overlap in found)
    print(f"{number} of {len(found)} pairs of a training and an evaluation set leak")
    if json_file is not None:
        table = [{**dataclasses.asdict(o), "leaks": o.leaks} for o in found]
        write_json(json_file, table)


def _all_training(source: "Source") -> tuple[str, ...]:
    there = [name for name in source.tasks() if source.languages(name, "train")]
    return tuple(name for name in there if name != "mlm")


def _sets(source: "Source", names: tuple[str, ...]) -> Iterator["ExampleSet"]:
    from dstilts.core.logs import log
    from dstilts.tasks.catalog import task

    for name in names:
        task(name)
        log(f"comparing {name}")
        for split in ("dev", "test"):
            for language in source.languages(name, split):
                yield source.load(name, split, language)


def _line(overlap: "Overlap") -> str:
    mark = "LEAKS" if overlap.leaks else "     "
    return (
        f"{mark} {overlap.training:14s} {overlap.evaluation:14s} {overlap.split:4s} "
        f"{overlap.language:3s} whole {overlap.exact:6d}  in part {overlap.runs:6d}  "
        f"of {overlap.num_examples}"
    )

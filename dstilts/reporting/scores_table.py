"""All scores of a model as one table: a row a language, a column a task."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dstilts.reporting.collect import Record
from dstilts.reporting.print_table import print_table
from dstilts.reporting.text import by_language, metric_title, number_range, score

Groups = Mapping[str, Sequence[str]]  # by name of the group its tasks


def print_scores(records: Sequence[Record], console: Console, groups: Groups | None = None) -> None:
    """Prints a table for each model, in the order of the records."""
    models: dict[str, list[Record]] = {}
    for record in records:
        models.setdefault(record.model_key, []).append(record)
    for of_model in models.values():
        console.print(f"{of_model[0].model_name} on {of_model[0].source}", soft_wrap=True)
        print_table(scores_table(of_model), console)
        console.print(_caption(_by_task(of_model), groups or {}), soft_wrap=True)


def scores_table(records: Sequence[Record]) -> Table:
    """The scores of one model, a column a task, with means and chance levels."""
    tasks = _by_task(records)
    languages = list(dict.fromkeys(code for found in tasks.values() for code in found))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("language", no_wrap=True)
    for name, found in tasks.items():
        metric = metric_title(next(iter(found.values())).main_metric)
        table.add_column(Text.assemble(name, (f"\n{metric}", "dim")), justify="right")
    for code in sorted(languages):
        table.add_row(code, *(_cell(found.get(code)) for found in tasks.values()))
    table.add_section()
    table.add_row("mean", *(score(_mean(found)) for found in tasks.values()), style="bold")
    table.add_row("chance", *(_chance(found) for found in tasks.values()), style="dim")
    return table


def _by_task(records: Sequence[Record]) -> dict[str, dict[str, Record]]:
    """By task and language."""
    tasks: dict[str, dict[str, Record]] = {}
    for record in records:
        tasks.setdefault(record.task, {})[record.language] = record
    return tasks


def _caption(tasks: Mapping[str, Mapping[str, Record]], groups: Groups) -> str:
    means = {name: mean for name, found in tasks.items() if (mean := _mean(found)) is not None}
    lines = [f"{name}: {_examples(found)}" for name, found in tasks.items()]
    lines.append("per cent; mean over the languages that are there")
    parts = []
    for group, names in groups.items():
        there = [means[name] for name in names if name in means]
        if there:
            parts.append(f"{group} {score(fmean(there))} ({len(there)} of {len(names)} tasks)")
    if len(means) > 1:
        parts.append(f"mean of the {len(means)} tasks {score(fmean(means.values()))}")
    if parts:
        lines.append("; ".join(parts))
    return "\n".join(lines)


def _value(record: Record) -> float | None:
    return record.metrics.get(record.main_metric)


def _cell(record: Record | None) -> str:
    return "" if record is None else score(_value(record))


def _mean(found: Mapping[str, Record]) -> float | None:
    values = [value for value in map(_value, found.values()) if value is not None]
    return fmean(values) if values else None


def _chance(found: Mapping[str, Record]) -> str:
    levels = [r.chance[r.main_metric] for r in found.values() if r.main_metric in r.chance]
    return score(fmean(levels)) if levels else ""


def _examples(found: Mapping[str, Record]) -> str:
    """What the scores of a task are on: split, number of examples, and which of them."""
    number = number_range([record.num_examples for record in found.values()])
    splits = by_language({code: record.split for code, record in found.items()})
    subsets = by_language({code: record.subset or "all" for code, record in found.items()})
    return f"{splits}; {number} examples a language; {subsets}"

"""The words around the numbers: what was run, what they are, what they show and cannot show."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from dstilts.reporting.collect import BASELINE, Record
from dstilts.reporting.effects import Effects
from dstilts.reporting.grid import GridRow, build_grid, example_range
from dstilts.reporting.heatmap import HeatMap
from dstilts.reporting.tables import Column, Section, language_name
from dstilts.reporting.text import by_language, count, listing, number_range, plural, score, signed

_WHOLE = "all of the split"


@dataclass(frozen=True)
class ColumnFacts:
    """What the numbers of one column are."""

    column: Column
    metric: str
    split: str
    subset: str
    languages: str
    examples: str
    chance: str
    options: str


def run_facts(section: Section) -> list[tuple[str, str]]:
    """Names and values of what was run."""
    records = _records(section)
    seeds = ", ".join(map(str, section.seeds)) or "nothing was trained"
    return [
        ("Encoder", section.encoder),
        ("Data source", section.source),
        ("Seeds" if len(section.seeds) > 1 else "Seed", seeds),
        ("Languages", str(len({r.language for r in records}))),
        ("Records", count(len(records))),
        ("Written", _period(records)),
    ]


def limits(section: Section) -> str:
    """In one line what the numbers rest on: source, seeds, subsets."""
    number = len(section.seeds)
    seeds = f"{plural(number, 'seed')} ({', '.join(map(str, section.seeds))})" if number else ""
    subsets = [c.title for c in section.columns if any(r.subset for r in section.column_records(c))]
    whole = "whole splits"
    if subsets:
        everything = len(subsets) == len(section.columns)
        whole = f"subsets of {'all targets' if everything else listing(subsets)}"
    numbers = [number for ends in section.parts.values() for number in ends]
    trained = f"trained on {number_range(numbers)} examples a task" if numbers else ""
    parts = (f"{section.encoder} on {section.source}", seeds or "nothing trained", trained, whole)
    return f"Limits: {'; '.join(filter(None, parts))}."


def column_facts(section: Section) -> list[ColumnFacts]:
    """What the numbers of each column are."""
    facts = []
    for column in section.columns:
        records = section.column_records(column)
        main = records[0].main_metric
        subsets = {r.language: r.subset or "all" for r in records}
        codes = section.languages(column)
        options = (
            f"{key} {value}" for key, value in records[0].options.items() if value is not None
        )
        facts.append(
            ColumnFacts(
                column=column,
                metric=section.metric(column),
                split=column.split,
                subset=by_language(subsets) if any(r.subset for r in records) else _WHOLE,
                languages=f"{len(codes)}: {', '.join(codes)}",
                examples=example_range(records),
                chance=number_range([r.chance[main] for r in records if main in r.chance], ".1f"),
                options=", ".join(options),
            )
        )
    return facts


def highlights(section: Section, heatmaps: Iterable[HeatMap]) -> list[str]:
    """What stands out, in words, without a claim of significance."""
    grid = build_grid(section)
    lines = list(_best_mean(grid))
    changes = [
        (cell.delta.mean, row.row.name, column.title)
        for row in grid
        for cell, column in zip(row.cells, section.columns, strict=True)
        if cell.delta
    ]
    gains = [change for change in changes if change[0] > 0]
    losses = [change for change in changes if change[0] < 0]
    for word, found in (("gain", max(gains, default=None)), ("loss", min(losses, default=None))):
        if found:
            points, name, title = found
            lines.append(f"Largest {word} against {BASELINE}: {name} on {title}, {signed(points)}.")
    boxes = [box for heatmap in heatmaps for row in heatmap.rows for box in row.boxes]
    low = sum(box.at_chance for box in boxes)
    if low:
        lines.append(
            f"{plural(low, 'score')} of {count(sum(bool(box.score) for box in boxes))} "
            "(one a language and model) at or below chance, named language by language below."
        )
    return lines


def caveats(section: Section, effects: Effects | None = None) -> list[str]:
    """What these numbers cannot show, one sentence or two each.

    Args:
        effects: of the section, if they are known.
    """
    return [
        *_data_caveats(section),
        *_encoder_caveats(section),
        _seed_caveat(section, effects or Effects()),
        *_gaps_in_records(section),
    ]


def versions(section: Section) -> list[tuple[str, str]]:
    """The versions that made the records, by package; several where records differ."""
    found: dict[str, set[str]] = {}
    for record in _records(section):
        for name, version in record.versions.items():
            found.setdefault(name, set()).add(version)
    return [(name, ", ".join(sorted(found[name]))) for name in sorted(found)]


def _best_mean(grid: list[GridRow]) -> Iterator[str]:
    means = [(row.mean.mean, row) for row in grid if row.mean]
    if len(means) > 1:
        value, best = max(means, key=lambda item: item[0])
        change = f", {signed(best.mean_delta.mean)} against {BASELINE}" if best.mean_delta else ""
        yield f"Highest mean over all targets: {best.row.name}, {score(value)}{change}."


def _data_caveats(section: Section) -> Iterator[str]:
    if section.source.startswith("phrasebook"):
        yield (
            "The phrasebook is a small generated diagnostic set: its scores compare models and "
            "languages on the same content and are no scores on the published benchmarks."
        )
    subsets = [c.title for c in section.columns if any(r.subset for r in section.column_records(c))]
    if section.parts:
        sizes = [f"{task} {number_range(ends)}" for task, ends in section.parts.items()]
        yield (
            f"Trained on parts of the training sets: {listing(sizes)} examples. What is not learnt "
            "from so few cannot be handed on, and a target at chance shows no difference."
        )
    if subsets:
        yield f"Subsets or own splits, not a whole published one: {listing(subsets)} (see below)."


def _encoder_caveats(section: Section) -> Iterator[str]:
    if section.encoder == "default":
        yield (
            "The default encoder was already tuned contrastively for similarity across languages. "
            "That confounds every delta: an intermediate task may undo or repeat it, most of all "
            "in retrieval."
        )


def _seed_caveat(section: Section, effects: Effects) -> str:
    if len(section.seeds) < 2:
        return "One seed: another may move every number, so no significance is claimed."
    means = (
        f"{len(section.seeds)} seeds: numbers are means, \u00b1 the sample standard deviation "
        "over them."
    )
    tested = [effect for effect in effects.cells.values() if effect.p_holm is not None]
    if not tested:
        return f"{means} No test was made and no significance is claimed."
    found = sum(effect.significant for effect in tested)
    words = f"{means} {found} of {plural(len(tested), 'difference')} tested significant."
    sizes = [effect.detectable for effect in tested if effect.detectable is not None]
    if not sizes:
        return words
    return f"{words} Half of the cells need {score(median(sizes))} points or more to be found."


def _gaps_in_records(section: Section) -> Iterator[str]:
    grid = build_grid(section)
    absent, partial = [], []
    for row in grid:
        for cell, column in zip(row.cells, section.columns, strict=True):
            name = f"{row.row.name} on {column.title}"
            scores = section.cell(row.row, column)
            if scores is None:
                absent.append(name)
            elif not cell.complete:
                lacking = [c for c in section.languages(column) if c not in scores.languages]
                partial.append(f"{name} ({listing(map(language_name, lacking))})")
            if cell.collapsed:
                yield f"{plural(cell.collapsed, 'collapsed seed')} of {name} left out of all means."
            if cell.unfinished:
                yield f"{plural(cell.unfinished, 'seed')} of {name} unfinished and left out."
    if absent:
        yield f"Missing: {listing(absent)}."
    if partial:
        yield f"Incomplete, so not in any mean over targets: {listing(partial)}."
    if section.superseded:
        models = {record.model_key for record in section.superseded}
        yield (
            f"{plural(len(section.superseded), 'older record')} of {plural(len(models), 'model')} "
            "not shown: a newer model has the same intermediate, target and seed."
        )
    different = [c.title for c in section.columns if _data_differ(section, c)]
    if different:
        yield (
            f"Rows evaluated on different examples of {listing(different)}: "
            "deltas are taken only over the languages whose examples are the same."
        )


def _data_differ(section: Section, column: Column) -> bool:
    digests: dict[tuple[str, object], set[str]] = {}
    for record in section.column_records(column):
        digests.setdefault((record.language, record.seed), set()).add(record.data_digest)
    return any(len(found) > 1 for found in digests.values())


def _records(section: Section) -> list[Record]:
    return [record for column in section.columns for record in section.column_records(column)]


def _period(records: list[Record]) -> str:
    """When the records were written, in local time."""
    first, last = (
        datetime.fromtimestamp(moment).astimezone()
        for moment in (min(r.written for r in records), max(r.written for r in records))
    )
    if first.date() != last.date():
        return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    times = dict.fromkeys((f"{first:%H:%M}", f"{last:%H:%M}"))
    return f"{last:%Y-%m-%d}, {' to '.join(times)}"

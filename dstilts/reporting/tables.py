"""Records put in order: sections (one encoder, one source), their rows, columns and cells."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from dstilts.core.digest import canonical_json
from dstilts.reporting.cells import Cell, Estimate, build_cell, comparable, delta
from dstilts.reporting.collapse import Seed, Trained, seen_in_training
from dstilts.reporting.collect import BASELINE, Record
from dstilts.reporting.text import metric_title
from dstilts.reporting.training_parts import training_parts
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.languages import LANGUAGES


@dataclass(frozen=True)
class Row:
    """One intermediate of the grid and the English tasks it was trained on."""

    name: str
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """One target of the grid: a task evaluated in one way, after one kind of target phase."""

    task: str
    target: str | None
    split: str
    options: str  # canonical JSON: another limit or layer gives other numbers, so another column
    title: str = ""  # unique in its section
    about: str = ""  # the task in a few words
    slug: str = ""  # the same, for the page's anchors


@dataclass(frozen=True)
class Section:
    """All records of one encoder on one source. Numbers are compared only inside a section."""

    encoder: str
    source: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    records: Mapping[tuple[str, Column], list[Record]]  # failed ones too
    superseded: tuple[Record, ...]  # of models that a newer one with the same place replaces
    at_chance: Mapping[str, str] = field(default_factory=dict)  # by model key what training saw
    # By task the fewest and the most examples of phases that took a part of its training set.
    parts: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @cached_property
    def _cells(self) -> dict[tuple[str, Column], Cell | None]:
        cells: dict[tuple[str, Column], Cell | None] = {}
        for place, records in self.records.items():
            runs: dict[Seed, dict[str, Record]] = defaultdict(dict)
            for record in sorted(records, key=lambda r: (r.seed is not None, r.seed or 0)):
                runs[record.seed][record.language] = record
            cells[place] = build_cell(runs, self.at_chance)
        return cells

    def cell(self, row: Row, column: Column) -> Cell | None:
        """The scores of a row on a column; None where there are none."""
        return self._cells.get((row.name, column))

    def baseline(self, column: Column) -> Cell | None:
        """The scores of the row without an intermediate phase."""
        return self._cells.get((BASELINE, column))

    def delta(self, row: Row, column: Column) -> Estimate | None:
        """A cell minus the baseline, in points, over the languages that can be compared."""
        cell, base = self.cell(row, column), self.baseline(column)
        if row.name == BASELINE or cell is None or base is None:
            return None
        return delta(cell, base, comparable(cell, base))

    def column_records(self, column: Column) -> list[Record]:
        """All records of a column."""
        return [r for row in self.rows for r in self.records.get((row.name, column), [])]

    def languages(self, column: Column) -> list[str]:
        """The languages of a column over all its rows, by family, then by code."""
        codes = {record.language for record in self.column_records(column)}
        return sorted(codes, key=lambda code: (family(code), code))

    def metric(self, column: Column) -> str:
        """The title of a column's main metric."""
        return metric_title(self.column_records(column)[0].main_metric)

    @property
    def seeds(self) -> list[int]:
        """The seeds of everything trained here."""
        found = {r.seed for records in self.records.values() for r in records}
        return sorted(seed for seed in found if seed is not None)


def family(code: str) -> str:
    """The language family of a code; "Other" for a code outside the language table."""
    return LANGUAGES[code].family if code in LANGUAGES else "Other"


def language_name(code: str) -> str:
    """The English name of a language; the code itself outside the language table."""
    return LANGUAGES[code].name if code in LANGUAGES else code


def task_title(name: str) -> tuple[str, str]:
    """A task's title and what it is; its name and nothing for one outside the catalog."""
    title, _, about = (TASKS[name].title if name in TASKS else name).partition(": ")
    return title, about


def build_sections(records: Iterable[Record], phases: Iterable[Trained] = ()) -> list[Section]:
    """The sections of all records, ordered by encoder and source.

    Args:
        phases: that trained their models: what they saw at chance may be left out, and of which
            training sets they took a part.
    """
    trained = list(phases)
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.encoder, record.source].append(record)
    return [_section(*place, groups[place], trained) for place in sorted(groups)]


def _section(
    encoder: str, source: str, records: list[Record], phases: Sequence[Trained]
) -> Section:
    columns = _columns(records)
    shown, superseded = _newest(records)
    cells: dict[tuple[str, Column], list[Record]] = defaultdict(list)
    for record in shown:
        cells[record.intermediate, columns[_place(record)]].append(record)
    tasks = {r.intermediate: _intermediate_tasks(r) for r in records}
    order = sorted(tasks, key=lambda name: (name != BASELINE, len(tasks[name]), name))
    return Section(
        encoder=encoder,
        source=source,
        rows=tuple(Row(name, tasks[name]) for name in order),
        columns=tuple(columns.values()),
        records=cells,
        superseded=tuple(superseded),
        at_chance=seen_in_training(phases),
        parts=training_parts(shown, phases),
    )


def _place(record: Record) -> tuple[str, str | None, str, str]:
    return record.task, record.target, record.split, canonical_json(record.options)


def _columns(records: list[Record]) -> dict[tuple[str, str | None, str, str], Column]:
    """A column for each place, in the catalog's order, named by what tells it from the others."""
    catalog = list(TASKS)

    def order(place: tuple[str, str | None, str, str]) -> tuple[int, str, str, str, str]:
        task, target, split, options = place
        known = catalog.index(task) if task in catalog else len(catalog)
        return known, task, target or "", split, options

    places = sorted({_place(record) for record in records}, key=order)
    columns = {}
    for index, place in enumerate(places):
        task, target, split, options = place
        same = [other for other in places if other[0] == task]
        parts = []
        if len({other[1] for other in same}) > 1:
            parts.append(f"after {target}" if target else "no target phase")
        if len({other[2] for other in same}) > 1:
            parts.append(split)
        if len({other[3] for other in same}) > 1:
            parts.append(f"options {1 + sorted({other[3] for other in same}).index(options)}")
        title, about = task_title(task)
        title = ", ".join([title, *parts])
        columns[place] = Column(*place, title=title, about=about, slug=f"{task}-{index}")
    return columns


def _newest(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """Records of the newest model in each place and seed, and the others: two models never mix."""
    models: dict[tuple[object, ...], dict[str, list[Record]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for record in records:
        place = (record.intermediate, _place(record), record.seed)
        models[place][record.model_key].append(record)
    shown: list[Record] = []
    superseded: list[Record] = []
    for candidates in models.values():
        newest = max(candidates, key=lambda key: (max(r.written for r in candidates[key]), key))
        for key, group in candidates.items():
            (shown if key == newest else superseded).extend(group)
    return shown, superseded


def _intermediate_tasks(record: Record) -> tuple[str, ...]:
    phases = (phase for phase in record.lineage if phase.role == "intermediate")
    return tuple(dict.fromkeys(task for phase in phases for task in phase.tasks))

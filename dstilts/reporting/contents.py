"""Everything that a report shows, gathered once for all the forms it is written in."""

from dataclasses import dataclass
from pathlib import Path

from dstilts.reporting.collect import collect_records
from dstilts.reporting.effect_table import effect_table
from dstilts.reporting.effects import Effects, effects
from dstilts.reporting.flags import collect_failed_nodes, run_flags, score_flags
from dstilts.reporting.grid import GridRow, build_grid
from dstilts.reporting.groups import group_tables
from dstilts.reporting.heatmap import HeatMap, build_heatmap
from dstilts.reporting.leaks import collect_leaks, leak_table
from dstilts.reporting.ledger import collect_evaluations, ledger_table, training_table
from dstilts.reporting.paper_table import paper_table
from dstilts.reporting.phases import PhaseCost, collect_open_runs, collect_phases
from dstilts.reporting.tables import Section, build_sections
from dstilts.reporting.text_table import TextTable


@dataclass(frozen=True)
class Part:
    """A section with everything that is derived from it."""

    section: Section
    slug: str
    effects: Effects
    grid: list[GridRow]
    heatmaps: list[HeatMap]
    flags: TextTable | None
    effect_table: TextTable | None
    groups: list[TextTable]
    paper: TextTable | None


@dataclass(frozen=True)
class Report:
    """The whole report of a folder of runs."""

    title: str
    runs: Path
    parts: list[Part]
    phases: list[PhaseCost]
    tables: list[TextTable]  # of all sections together: leakage, runs that failed, costs


def gather(runs: Path) -> Report:
    """Reads a folder of runs.

    Raises:
        UserError: no records, or a broken record, manifest or list of overlaps.
    """
    phases = collect_phases(runs)
    sections = build_sections(collect_records(runs), phases)
    tables = (
        run_flags(phases, collect_open_runs(runs), collect_failed_nodes(runs)),
        leak_table(collect_leaks(runs)),
        ledger_table(phases, collect_evaluations(runs)),
        training_table(phases),
    )
    return Report(
        title=f"Zero-shot transfer: {runs.resolve().name}",
        runs=runs,
        parts=[
            _part(section, phases, runs, f"s{number}") for number, section in enumerate(sections, 1)
        ],
        phases=phases,
        tables=[table for table in tables if table],
    )


def _part(section: Section, phases: list[PhaseCost], runs: Path, slug: str) -> Part:
    found = effects(section, runs)
    return Part(
        section=section,
        slug=slug,
        effects=found,
        grid=build_grid(section, found),
        heatmaps=[build_heatmap(section, column, found) for column in section.columns],
        flags=score_flags(section),
        effect_table=effect_table(section, found),
        groups=group_tables(section, found),
        paper=paper_table(section, phases),
    )

"""Runs that failed or learnt nothing: named one by one, so that no mean hides them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dstilts.reporting.phases import OpenRun, PhaseCost
from dstilts.reporting.tables import Section, language_name
from dstilts.reporting.text import count, listing, plural
from dstilts.reporting.text_table import TextTable

HEAD = ("what", "seed", "finding")


def run_flags(phases: Sequence[PhaseCost], open_runs: Sequence[OpenRun]) -> TextTable | None:
    """Phases that learnt nothing and runs without a model; None where there are none."""
    rows = [(p.name, str(p.seed), f"learnt nothing: {p.at_chance}") for p in phases if p.at_chance]
    rows += [(run.folder, "", _how_far(run)) for run in open_runs]
    return _table(rows, "runs", "Failed and collapsed runs")


def score_flags(section: Section) -> TextTable | None:
    """Evaluations without a score, and models at or below chance in every language."""
    rows = [*_failed(section), *_collapsed(section)]
    return _table(rows, "flags", "Failed and collapsed evaluations")


def _table(rows: Sequence[tuple[str, str, str]], slug: str, title: str) -> TextTable | None:
    if not rows:
        return None
    return TextTable(slug, title, "", HEAD, tuple(rows), num_words=3)


def _how_far(run: OpenRun) -> str:
    if run.history is None or not run.history.points:
        return "no model published; no step logged"
    last = run.history.points[-1][0]
    of = f" of {count(run.history.num_steps)}" if run.history.num_steps else ""
    return f"no model published; the last step logged is {count(last)}{of}"


def _failed(section: Section) -> Iterator[tuple[str, str, str]]:
    for column in section.columns:
        failed: dict[tuple[str, int | None], list[str]] = defaultdict(list)
        for record in section.column_records(column):
            if record.main_metric not in record.metrics:
                failed[record.intermediate, record.seed].append(language_name(record.language))
        for (name, seed), languages in failed.items():
            where = listing(languages) if len(languages) < 6 else plural(len(languages), "language")
            yield f"{name} on {column.title}", _seed(seed), f"no score in {where}"


def _collapsed(section: Section) -> Iterator[tuple[str, str, str]]:
    for row in section.rows:
        for column in section.columns:
            cell = section.cell(row, column)
            for seed, why in cell.collapsed.items() if cell else ():
                yield f"{row.name} on {column.title}", _seed(seed), f"{why}; in no mean"
            for seed, run in cell.runs.items() if cell else ():
                known = [r for r in run.values() if r.main_metric in r.chance]
                low = [r for r in known if r.metrics[r.main_metric] <= r.chance[r.main_metric]]
                if low and len(low) == len(run):
                    finding = f"at or below chance in all of {plural(len(run), 'language')}"
                    yield f"{row.name} on {column.title}", _seed(seed), finding


def _seed(seed: int | None) -> str:
    return "" if seed is None else str(seed)

"""Runs that failed or learnt nothing: named one by one, so that no mean hides them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.reporting.phases import OpenRun, PhaseCost
from dstilts.reporting.tables import Section, language_name
from dstilts.reporting.text import count, listing, plural
from dstilts.reporting.text_table import TextTable

HEAD = ("what", "seed", "finding")
_MANY = 12  # lines: more are folded


@dataclass(frozen=True)
class FailedNode:
    """A node of a sweep that was tried in vain and is not done."""

    key: str
    title: str
    attempts: int
    reason: str  # of the last one


def collect_failed_nodes(runs: Path) -> list[FailedNode]:
    """From the outcomes that sweeps below `runs` keep.

    Raises:
        UserError: a file is broken.
    """
    found = []
    for file in sorted(runs.rglob("nodes/*.json")):
        value = read_json(file)
        try:
            failures = value["failures"]
            if failures and not value["done"]:
                reason = str(failures[-1]["reason"])
                found.append(FailedNode(value["key"], value["title"], len(failures), reason))
        except (KeyError, TypeError) as error:
            raise UserError(f"not a node's outcome ({error!r})", file=file) from None
    return found


def run_flags(
    phases: Sequence[PhaseCost],
    open_runs: Sequence[OpenRun],
    failed: Sequence[FailedNode] = (),
) -> TextTable | None:
    """Phases that learnt nothing, nodes that failed, runs without a model; None for none."""
    rows = [(p.name, str(p.seed), f"learnt nothing: {p.at_chance}") for p in phases if p.at_chance]
    rows += [
        (node.title, "", f"failed, {plural(node.attempts, 'attempt')}: {node.reason}")
        for node in failed
    ]
    keys = tuple(node.key for node in failed)
    # A folder of a sweep ends with its node's key.
    rows += [(run.folder, "", _how_far(run)) for run in open_runs if not run.folder.endswith(keys)]
    return _table(rows, "runs", "Failed and collapsed runs")


def score_flags(section: Section) -> TextTable | None:
    """Evaluations without a score, and models at or below chance in every language."""
    rows = [*_failed(section), *_collapsed(section)]
    return _table(rows, "flags", "Failed and collapsed evaluations")


def _table(rows: Sequence[tuple[str, str, str]], slug: str, title: str) -> TextTable | None:
    """Seeds of which the same is to be said share a line."""
    seeds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for what, seed, finding in rows:
        seeds[what, finding].append(seed)
    lines = tuple((what, ", ".join(found), finding) for (what, finding), found in seeds.items())
    if not lines:
        return None
    return TextTable(slug, title, "", HEAD, lines, num_words=3, is_folded=len(lines) > _MANY)


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

"""What changed since an earlier report: new cells, changed scores, cells that are gone."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from urllib.parse import quote

from dstilts.core.errors import UserError
from dstilts.reporting.csv_files import SCORES
from dstilts.reporting.tables import task_title
from dstilts.reporting.text import plural, score, signed
from dstilts.reporting.text_table import TextTable

SAME = 0.05  # points: less is not seen with one decimal

# Encoder, source, intermediate, target, seed, task, split, options: what a model was scored on.
Place = tuple[str, ...]
_PLACE = ("encoder", "source", "intermediate", "target", "seed", "task", "split", "options")
Scores = Mapping[Place, Mapping[str, float]]  # main metrics by language


@dataclass(frozen=True)
class Change:
    """One model on one task, then and now. None: not there."""

    place: Place
    before: float | None  # means over languages
    now: float | None
    languages: int  # whose score is another one


@dataclass(frozen=True)
class Changes:
    """All changes, and where the earlier report is."""

    since: str
    link: str | None  # the earlier page, from the new one
    changes: tuple[Change, ...]


def read_scores(text: Iterable[str], file: Path) -> Scores:
    """The scores in the lines of a report's scores.csv.

    Raises:
        UserError: it is no such file.
    """
    found: dict[Place, dict[str, float]] = defaultdict(dict)
    try:
        for line in csv.DictReader(text, strict=True):
            if line["is_main"] == "1" and line["value"]:
                place = tuple(line[name] for name in _PLACE)
                found[place][line["language"]] = float(line["value"])
    except (KeyError, ValueError, csv.Error) as error:
        raise UserError(f"not the scores of a report ({error!r})", file=file) from None
    return found


def find_changes(old: Path, now: str, folder: Path) -> Changes:
    """Compares an earlier report with the one that is being made.

    Args:
        old: the earlier report's folder, or its scores.csv.
        now: the new scores.csv.
        folder: where the new page will stand.

    Raises:
        UserError: there is no such file, or it is no report's.
    """
    file = old / SCORES if old.is_dir() else old
    if not file.is_file():
        raise UserError("no such file", file=file, remedy=f"give an earlier report's {SCORES}")
    before = read_scores(file.read_text(encoding="utf-8").splitlines(), file)
    after = read_scores(now.splitlines(), file)
    page = file.with_name("report.html")
    link = None
    if page.is_file() and page.resolve() != (folder / "report.html").resolve():
        link = quote(Path(os.path.relpath(page.resolve(), folder.resolve())).as_posix())
    return Changes(file.parent.resolve().name, link, tuple(_compare(before, after)))


def change_tables(found: Changes) -> list[TextTable]:
    """A table each of scores that changed, of new ones and of those that are gone."""
    changed = [c for c in found.changes if c.before is not None and c.now is not None]
    new = [c for c in found.changes if c.before is None]
    gone = [c for c in found.changes if c.now is None]
    changed.sort(key=lambda c: -abs((c.now or 0.0) - (c.before or 0.0)))
    places = [change.place for change in found.changes]
    tables = (
        _table("changed", "Changed scores", changed, places),
        _table("new", "New cells", new, places),
        _table("gone", "No longer there", gone, places),
    )
    return [table for table in tables if table.rows]


def summary(found: Changes) -> str:
    """One sentence."""
    new = sum(c.before is None for c in found.changes)
    gone = sum(c.now is None for c in found.changes)
    if not found.changes:
        return f"Nothing changed since the report in {found.since}."
    parts = f"{plural(new, 'new cell')}, {plural(len(found.changes) - new - gone, 'changed cell')}"
    return f"Since the report in {found.since}: {parts}, {gone:,} no longer there (a seed each)."


def _compare(before: Scores, after: Scores) -> Iterable[Change]:
    for place in sorted({*before, *after}):
        old, new = before.get(place, {}), after.get(place, {})
        differ = sum(
            abs(old.get(code, float("inf")) - new.get(code, float("-inf"))) >= SAME
            for code in {*old, *new}
        )
        if differ:
            yield Change(place, _mean(old), _mean(new), differ)


def _mean(scores: Mapping[str, float]) -> float | None:
    return fmean(scores.values()) if scores else None


def _table(slug: str, title: str, changes: Sequence[Change], places: Sequence[Place]) -> TextTable:
    # What is the same everywhere need not be read.
    shown = [
        i for i, name in enumerate(_PLACE) if len({p[i] for p in places}) > 1 or name == "task"
    ]
    rows = []
    for change in changes:
        words = [_word(_PLACE[i], change.place[i]) for i in shown]
        both = change.before is not None and change.now is not None
        difference = (change.now or 0.0) - (change.before or 0.0)
        numbers = [_score(change.before), _score(change.now), signed(difference) if both else ""]
        rows.append((*words, *numbers, str(change.languages)))
    return TextTable(
        slug=slug,
        title=title,
        lead="",
        head=(*(_PLACE[i] for i in shown), "before", "now", "difference", "languages"),
        rows=tuple(rows),
        num_words=len(shown),
        is_folded=len(rows) > 12,
    )


def _word(name: str, value: str) -> str:
    return task_title(value)[0] if name == "task" else value


def _score(value: float | None) -> str:
    return "" if value is None else score(value)

"""What `dstilts tasks validate` says: counts, what no split takes, what is wrong."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from dstilts.tasks.catalog import task
from dstilts.tasks.manifest import NAME, read_manifest
from dstilts.tasks.validate import Checked
from dstilts.tasks.validate_units import Unit, unknown_files

Results = Sequence[tuple[Unit, Checked]]

_NAMED = 3  # files that a line names, of more it gives the number


def split_lines(results: Results) -> Iterator[str]:
    """A line for each task and split: how many examples in which languages, and what it is instead
    of the published split."""
    groups: dict[tuple[str, str, str], dict[int, list[str]]] = defaultdict(dict)
    for unit, checked in results:
        for use in unit.splits:
            if use.used and use.split in checked.sizes:
                sizes = groups[unit.task, use.split, use.note]
                sizes.setdefault(checked.sizes[use.split], []).append(unit.language)
    for (name, split, note), sizes in groups.items():
        published = task(name).published_sizes.get(split)
        parts = [_size(size, languages, published) for size, languages in sizes.items()]
        suffix = f" ({note})" if note else ""
        yield f"{name:14s} {split:5s} {'; '.join(parts)}{suffix}"


def unused_lines(results: Results) -> Iterator[str]:
    """A line for each reason for which files were read that no split takes."""
    taken = {
        (unit.task, path)
        for unit, _ in results
        if any(use.used for use in unit.splits)
        for path in unit.found.paths
    }
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for unit, _ in results:
        why = unit.why or f"another file stands for {'/'.join(use.split for use in unit.splits)}"
        for path in unit.found.paths:
            if (unit.task, path) not in taken:
                reasons[unit.task, why].append(path.name)
    for (name, why), names in reasons.items():
        yield f"{name:14s} {_named(names)}: {why}"


def foreign_lines(results: Results, folder: Path) -> Iterator[str]:
    """A line for each folder with files that belong to no task."""
    known = _rows(results)
    paths = [row.path for row in read_manifest(folder) if row.path not in known]
    listed = {*known, *paths}
    paths += [path for path in unknown_files(folder) if path not in listed]
    groups: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths):
        groups[str(PurePosixPath(path).parent)].append(PurePosixPath(path).name)
    for parent, names in groups.items():
        yield f"{parent}: {_named(names)}"


def bad_lines(results: Results, folder: Path) -> list[str]:
    """A line for each bad file, and for each whose count is not that of the manifest."""
    lines = sorted({error for _, checked in results for error in checked.errors})
    rows = _rows(results)
    for row in read_manifest(folder):
        path = folder / row.path
        if not path.exists():
            lines.append(f"{path}: not there; {NAME} names it in line {row.line}")
        for number in sorted(rows.get(row.path, set()) - {row.examples}):
            lines.append(
                f"{path}: {number} examples where line {row.line} of {NAME} says {row.examples}"
            )
    return lines


def summary(results: Results, folder: Path) -> str:
    """How many files belong to a task, and how many of the manifest's rows were compared."""
    rows = _rows(results)
    manifest = read_manifest(folder)
    text = f"{len(rows)} files belong to a task"
    if manifest:
        compared = [row for row in manifest if row.path in rows]
        equal = sum(rows[row.path] == {row.examples} for row in compared)
        text += (
            f"; of {len(manifest)} rows of {NAME} {len(compared)} do, {equal} of them with equal "
            f"counts"
        )
    return text


def _rows(results: Results) -> Mapping[str, set[int]]:
    """By file, the numbers of examples that were counted in it: one, unless readers differ."""
    rows: dict[str, set[int]] = defaultdict(set)
    for _, checked in results:
        for path, number in checked.rows.items():
            rows[path].add(number)
    return dict(rows)


def _size(size: int, languages: Sequence[str], published: int | None) -> str:
    # Published sizes are the English ones where languages differ.
    known = published is not None and (published == size or "en" in languages)
    against = f" of {published:,}" if known else ""
    return f"{size:,}{against}: {' '.join(languages)}"


def _named(names: Sequence[str]) -> str:
    more = f" ... ({len(names)} files)" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more

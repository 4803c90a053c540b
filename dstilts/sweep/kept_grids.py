"""The grids that were run in a folder, as files that workers, `status` and `gc` read."""

import re
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.config import build, to_table
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.sweep.grid import Grid


@dataclass(frozen=True)
class Chosen:
    """A grid with all overrides, and the keys of its nodes that are wanted (empty: all)."""

    grid: Grid
    nodes: tuple[str, ...] = ()


def keep_grid(chosen: Chosen, runs: Path) -> Path:
    """Writes what a driver runs; drivers of the same grid share the file."""
    name = re.sub(r"[^\w.-]", "_", chosen.grid.name)
    file = runs / "grids" / f"{name}.{short_key(chosen)}.json"
    write_json(file, to_table(chosen))
    return file


def read_kept(file: Path) -> Chosen:
    """What `keep_grid` wrote."""
    return build(Chosen, read_json(file), file=file)


def kept_grids(runs: Path) -> list[Chosen]:
    """The grids of a folder, one a name: the one that was started last.

    Raises:
        UserError: no grid was run there.
    """
    files = sorted((runs / "grids").glob("*.json"), key=lambda file: file.stat().st_mtime)
    if not files:
        raise UserError(
            "no grid was run here", file=runs, remedy="give the folder of `dstilts sweep run`"
        )
    newest = {chosen.grid.name: chosen for chosen in map(read_kept, files)}
    return list(newest.values())

"""The scores of a study: every cell of its grids with its records, as flat rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.config import build, to_table
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.reporting.collect import Record, read_record
from dstilts.sweep.graph import Graph
from dstilts.sweep.grid import Grid

CELLS = "cells.json"


@dataclass(frozen=True)
class StudyCell:
    """One model of a study and what it is evaluated on.

    Attributes:
        grid: the name of the grid it belongs to.
        seed: None where nothing was trained: every seed would give the same.
        key: of the model, which names the folder of its records.
    """

    grid: str
    row: str
    target: str
    key: str
    model: str
    evaluate: tuple[str, ...]
    seed: int | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Score:
    """The main metric of one cell on one task in one language, in per cent."""

    cell: StudyCell
    task: str
    language: str
    value: float
    record: Record

    @property
    def run(self) -> str:
        """The model it is of: what two scores share that come from one training."""
        return self.cell.key


@dataclass(frozen=True)
class _Cells:
    cells: tuple[StudyCell, ...]


def cells_of(grid: Grid, graph: Graph) -> Iterator[StudyCell]:
    """The cells of a grid that has been run; what is not trained stands once, for no seed."""
    from dstilts.evaluation.models import ModelShelf

    shelf = ModelShelf()
    limits = {target.name: target.limit for target in grid.targets}
    untrained: dict[str, str] = {}
    for cell in graph.cells:
        if cell.needs is None and cell.model not in untrained:
            untrained[cell.model] = shelf.model(cell.model).key
        if cell.needs is None and cell.seed != grid.seeds[0]:
            continue
        yield StudyCell(
            grid=grid.name,
            row=cell.intermediate,
            target=cell.target,
            key=cell.needs or untrained[cell.model],
            model=cell.model,
            evaluate=cell.evaluate,
            seed=None if cell.needs is None else cell.seed,
            limit=limits[cell.target],
        )


def write_cells(runs: Path, cells: Iterable[StudyCell]) -> None:
    """Keeps the cells, so that a report needs neither data nor encoder."""
    write_json(runs / CELLS, to_table(_Cells(tuple(cells))))


def read_cells(runs: Path) -> tuple[StudyCell, ...]:
    """The cells of a study that has been run.

    Raises:
        UserError: it has not been run to its end.
    """
    file = runs / CELLS
    if not file.is_file():
        raise UserError("no finished study here", file=runs, remedy="dstilts study run NAME")
    return build(_Cells, read_json(file), file=file).cells


def collect_scores(runs: Path, cells: Sequence[StudyCell]) -> list[Score]:
    """The scores of all cells, by cell, task and language.

    Raises:
        UserError: a cell without a record, or a broken one.
    """
    read: dict[Path, Record] = {}
    scores = []
    for cell in cells:
        for name in cell.evaluate:
            files = sorted((runs / "records" / cell.key).glob(f"{name}.*.json"))
            if not files:
                raise UserError(
                    f"no records of {cell.row} x {cell.target} on {name}",
                    file=runs,
                    remedy="run the study again: what is missing is made",
                )
            for file in files:
                if file not in read:
                    read[file] = read_record(file, runs)
                record = read[file]
                value = record.metrics.get(record.main_metric)
                if value is not None:  # a failed evaluation has none
                    scores.append(Score(cell, name, record.language, value, record))
    return scores

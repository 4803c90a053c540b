"""Made-up studies: records and cells as a finished run leaves them, with planted scores."""

from collections.abc import Callable, Sequence
from pathlib import Path

from dstilts.studies.scores import StudyCell
from dstilts.studies.settings import StudySettings
from dstilts.sweep.grid import Grid
from tests.reporting.record_builder import record, write_record

Planted = Callable[[StudyCell, str, str], float]  # cell, task, language -> score in per cent


def cells_of(grids: Sequence[Grid]) -> list[StudyCell]:
    """What `dstilts.studies.scores.cells_of` gives, with made-up keys and no model."""
    return [
        StudyCell(
            grid=grid.name,
            row=row,
            target=target.name,
            key=f"{grid.name}-{row}-{target.name}-{seed}",
            model="none",
            evaluate=target.evaluate,
            seed=seed,
            limit=target.limit,
        )
        for grid in grids
        for row in ("none", *(each.name for each in grid.intermediates))
        for target in grid.targets
        for seed in grid.seeds
    ]


def write_runs(
    folder: Path, settings: StudySettings, grids: Sequence[Grid], languages: str, planted: Planted
) -> list[StudyCell]:
    """Writes a record for every cell, task and language; returns the cells."""
    cells = cells_of(grids)
    for cell in cells:
        for task in cell.evaluate:
            for language in languages.split():
                value = planted(cell, task, language)
                made = record(
                    task,
                    language,
                    value,
                    intermediate=cell.row,
                    target=cell.target,
                    seed=cell.seed,
                    key=cell.key,
                    encoder=settings.encoder,
                    subset="40 of 300",
                    num_examples=40,
                )
                write_record(folder, made)
    return cells

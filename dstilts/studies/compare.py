"""Cells of a study compared: means with run-to-run, language and example noise told apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dstilts.studies.estimates import Estimate
from dstilts.studies.mixed import MixedFit, fit_mixed
from dstilts.studies.scores import Score


@dataclass(frozen=True)
class Unit:
    """One measurement.

    Attributes:
        cell: what is compared: its mean is a fixed effect.
        run: the trained model it is of.
        language: with the task, where there are several: what all models find easy or hard.
        part: of the examples, where a run is measured on several; "" where on one.
    """

    cell: str
    run: str
    language: str
    value: float
    part: str = ""


@dataclass(frozen=True)
class Cells:
    """The fitted means of cells."""

    fit: MixedFit

    def mean(self, cell: str) -> Estimate:
        """The mean over runs and languages; its interval counts run-to-run noise."""
        return self.fit.effect(cell)

    def difference(self, one: str, other: str) -> Estimate:
        """How much higher `one` is."""
        return self.fit.contrast({one: 1.0, other: -1.0})

    def weighted(self, weights: Mapping[str, float]) -> Estimate:
        """Any sum of weighted cell means."""
        return self.fit.contrast(weights)


def fit_cells(units: Sequence[Unit]) -> Cells:
    """Means of all cells by REML, with random runs and languages, and parts where there are any."""
    cells = list(dict.fromkeys(unit.cell for unit in units))
    groups: dict[str, list[object]] = {
        "run": [unit.run for unit in units],
        "language": [unit.language for unit in units],
    }
    if len({unit.part for unit in units}) > 1:
        groups["run and part"] = [(unit.run, unit.part) for unit in units]
        groups["language and part"] = [(unit.language, unit.part) for unit in units]
    return Cells(
        fit_mixed(
            [unit.value for unit in units],
            {cell: [float(unit.cell == cell) for unit in units] for cell in cells},
            groups,
        )
    )


def units_of(scores: Iterable[Score]) -> list[Unit]:
    """Scores as measurements of cells named by row, target and task, as `cell_name` names them."""
    return [
        Unit(
            cell=cell_name(score.cell.row, score.cell.target, score.task),
            run=score.run,
            language=f"{score.task} {score.language}",
            value=score.value,
        )
        for score in scores
    ]


def cell_name(row: str, target: str, task: str) -> str:
    """The name of the cell of a row in a column."""
    return f"{row} > {target} > {task}"


def columns_of(scores: Iterable[Score]) -> list[tuple[str, str]]:
    """Each target with each task that is evaluated after it, in order."""
    return list(dict.fromkeys((score.cell.target, score.task) for score in scores))

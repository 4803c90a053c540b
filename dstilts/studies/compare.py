"""Cells of a study compared: means with run-to-run, language and example noise told apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dstilts.studies.estimates import Estimate
from dstilts.studies.mixed import MixedFit, fit_mixed
from dstilts.studies.scores import Score, StudyCell


@dataclass(frozen=True)
class Unit:
    """One measurement.

    Attributes:
        cell: what is compared: its mean is a fixed effect.
        root: the intermediate training, which the models of several targets share.
        run: the trained model.
        language: with the task: what all models find easy or hard.
        column: the target, where cells are compared over several: it adds the same to all cells.
        part: of the examples, where a run is measured on several; "" where on one.
    """

    cell: str
    root: str
    run: str
    language: str
    value: float
    column: str = ""
    part: str = ""


@dataclass(frozen=True)
class Cells:
    """The fitted means of cells, over all columns with equal weight."""

    fit: MixedFit

    def mean(self, cell: str) -> Estimate:
        """The mean over columns, runs and languages; its interval counts the noise of all three."""
        return self.fit.effect(cell)

    def difference(self, one: str, other: str) -> Estimate:
        """How much higher `one` is."""
        return self.fit.contrast({one: 1.0, other: -1.0})

    def weighted(self, weights: Mapping[str, float]) -> Estimate:
        """Any sum of weighted cell means."""
        return self.fit.contrast(weights)


def fit_cells(units: Sequence[Unit]) -> Cells:
    """Means of all cells by REML, with random trainings, languages, and parts where there are any.

    Cells vary between intermediate trainings, so that differences over several targets have no more
    freedom than there are trainings.
    """
    cells = list(dict.fromkeys(unit.cell for unit in units))
    fixed = {cell: [float(unit.cell == cell) for unit in units] for cell in cells}
    *columns, last = dict.fromkeys(unit.column for unit in units)
    for column in columns:
        # Columns add up to 0, so that a cell's effect is its mean over them.
        fixed[f"in {column}"] = [
            float(unit.column == column) - float(unit.column == last) for unit in units
        ]
    groups: dict[str, list[object]] = {
        "intermediate training": [unit.root for unit in units],
        "run": [unit.run for unit in units],
        "language": [unit.language for unit in units],
    }
    if len({unit.part for unit in units}) > 1:
        groups["run and part"] = [(unit.run, unit.part) for unit in units]
        groups["language and part"] = [(unit.language, unit.part) for unit in units]
    return Cells(fit_mixed([unit.value for unit in units], fixed, groups))


def unit(cell: str, of: StudyCell, task: str, language: str, value: float) -> Unit:
    """A measurement of a study's cell on a task in a language."""
    return Unit(
        cell=cell,
        root=f"{of.grid} > {of.row} > {of.seed}",
        run=of.key,
        language=f"{task} {language}",
        value=value,
        column=f"{of.target} > {task}",
    )


def columns_of(scores: Iterable[Score]) -> list[tuple[str, str]]:
    """Each target with each task that is evaluated after it, in order."""
    return list(dict.fromkeys((score.cell.target, score.task) for score in scores))

"""Scores of the two sides of a shift of domain: examples like those trained on, and others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dstilts.engine.phase import TaskUse
from dstilts.evaluation.plan import evaluation_sets
from dstilts.studies.compare import Unit, unit
from dstilts.studies.predictions import Predictions, read_predictions
from dstilts.studies.scores import StudyCell
from dstilts.studies.settings import StudySettings, require
from dstilts.studies.study import StudyRuns
from dstilts.sweep.grid import Target
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.metrics.example_scores import example_scores
from dstilts.tasks.open_source import open_source
from dstilts.tasks.training_sets import training_set
from dstilts.tasks.transform.domains import Domains, domains

Side = Literal["in domain", "shifted"]
SIDES: tuple[Side, Side] = ("in domain", "shifted")
ALL = "-all"  # ends the name of the target that is trained without a shift


@dataclass(frozen=True)
class Shift:
    """One shift: domains that training leaves out, or evaluation sets of another kind.

    With `hold_out` the evaluation examples of those domains are the shifted side, and the same
    number of examples of all domains is trained on as well, to tell the shift from how hard these
    domains are. With `shifted` the shifted side is whole evaluation sets.
    """

    name: str
    tasks: tuple[TaskUse, ...]
    evaluate: tuple[str, ...]
    hold_out: tuple[str, ...] = ()
    shifted: tuple[str, ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        require(bool(self.hold_out) != bool(self.shifted), "hold_out or shifted must be given")
        require(bool(self.tasks), "tasks must not be empty")
        require(
            not self.shifted or set(self.shifted) < set(self.evaluate),
            "shifted must be some of evaluate, and not all",
        )

    def targets(self) -> tuple[Target, ...]:
        """The targets to train: shifted, and without the shift where that can be."""
        plain = Target(self.name, self.evaluate, self.tasks, self.limit)
        if not self.hold_out:
            return (plain,)
        uses = tuple(
            replace(use, transform=replace(use.transform, domains=Domains(hold_out=self.hold_out)))
            for use in self.tasks
        )
        return (replace(plain, tasks=uses), replace(plain, name=self.name + ALL))


def sided_units(settings: StudySettings, runs: StudyRuns, shift: Shift) -> list[Unit]:
    """The scores of all cells of a shift on each side, in every language.

    A cell is named by its row, target and side. Examples of domains that are neither trained on nor
    held out by the shift are left out.

    Raises:
        UserError: examples do not say their domain, or predictions are missing.
    """
    titles = {target.name for target in shift.targets()}
    cells = [cell for cell in runs.cells if cell.target in titles]
    if shift.shifted:
        scores = [score for score in runs.scores() if score.cell.target in titles]
        return [
            _unit(score.cell, score.task, score.language, score.value, _side(shift, score.task))
            for score in scores
        ]
    source = open_source(settings.data.source, settings.data.folder)
    trained = {d for use in shift.tasks for d in domains(training_set(source, _trained(use)))}
    sides: dict[str, Side] = dict.fromkeys(trained - {*shift.hold_out}, "in domain")
    sides.update(dict.fromkeys(shift.hold_out, "shifted"))
    units: list[Unit] = []
    sets: dict[str, list[ExampleSet]] = {}
    for name in shift.evaluate:
        for cell in cells:
            stored = read_predictions(runs.folder, cell.key, name)
            if name not in sets:
                codes = [code for code, _ in stored]
                sets[name] = evaluation_sets(source, name, languages=codes, limit=shift.limit)
            for examples in sets[name]:
                found = stored[examples.language, examples.split]
                for side, value in _by_side(examples, found, sides):
                    units.append(_unit(cell, name, examples.language, value, side))
    return units


def side_cell(row: str, target: str, side: Side) -> str:
    """The name of the cell of one side."""
    return f"{row} > {target} > {side}"


def _side(shift: Shift, name: str) -> Side:
    return "shifted" if name in shift.shifted else "in domain"


def _trained(use: TaskUse) -> str:
    return task(use.task).train_task or use.task


def _unit(cell: StudyCell, name: str, language: str, value: float, side: Side) -> Unit:
    made = unit(side_cell(cell.row, cell.target, side), cell, name, language, value)
    # Sides are compared, and a target may have one task on each: no column of its own.
    return replace(made, column="", part=side)


def _by_side(
    examples: ExampleSet, predictions: Predictions, sides: Mapping[str, Side]
) -> Iterator[tuple[Side, float]]:
    """The main metric of the examples of each side."""
    scores = example_scores(task(examples.task), examples, predictions)
    domain = {example.id: getattr(example, "domain", "") for example in examples.examples}
    side_of: Sequence[Side | None] = [sides.get(domain[name]) for name in scores.ids]
    for side in SIDES:
        kept = [found == side for found in side_of]
        below = float(scores.denominators[kept].sum())
        if below:
            yield side, 100 * float(scores.numerators[kept].sum()) / below

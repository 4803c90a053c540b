"""One study: its settings, the grids they ask for, and the analysis of what these grids gave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.studies.result import StudyResult
from dstilts.studies.scores import Score, StudyCell, collect_scores
from dstilts.studies.settings import StudySettings
from dstilts.sweep.grid import Grid


@dataclass(frozen=True)
class StudyRuns:
    """What a study's grids left: the cells, below the folder of their records."""

    folder: Path
    cells: Sequence[StudyCell]

    def scores(self) -> list[Score]:
        """All scores.

        Raises:
            UserError: a cell has no records.
        """
        return collect_scores(self.folder, self.cells)


def _nothing(settings: Any, runs: StudyRuns) -> None:
    """Most studies measure nothing but what their grids evaluate."""


@dataclass(frozen=True)
class Study:
    """A research question.

    Attributes:
        grids: from the settings; they run in one folder, so that equal phases run once.
        analyse: from the settings and what was run, again and again with the same result.
        measure: what else is evaluated of the models, after the grids.
    """

    name: str
    question: str
    settings: type[StudySettings]
    grids: Callable[[Any], Sequence[Grid]]
    analyse: Callable[[Any, StudyRuns], StudyResult]
    measure: Callable[[Any, StudyRuns], None] = _nothing

"""Runs a study's grids, keeps what was asked and what was run, and writes the answer."""

from importlib.util import find_spec
from pathlib import Path

from dstilts.core.config import load_config, write_config
from dstilts.core.errors import UserError
from dstilts.core.logs import log
from dstilts.studies.page import write_result
from dstilts.studies.result import StudyResult
from dstilts.studies.scores import cells_of, read_cells, write_cells
from dstilts.studies.settings import StudySettings
from dstilts.studies.study import Study, StudyRuns
from dstilts.sweep.prepare import prepare
from dstilts.sweep.scheduler import run_grid

SETTINGS = "settings.toml"


def check_packages() -> None:
    """Says which packages an analysis lacks, before anything is run.

    Raises:
        UserError: scipy or matplotlib is not installed.
    """
    missing = [name for name in ("scipy", "matplotlib") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"a study needs {' and '.join(missing)}", remedy="pip install 'dstilts[report]'"
        )


def run_study(study: Study, settings: StudySettings, folder: Path) -> StudyResult:
    """Runs what is missing of a study below `folder`, then answers.

    Raises:
        UserError: a mistake in the settings or the data.
        RunError: a phase or an evaluation failed; run it again for the rest.
    """
    check_packages()
    cells = []
    for grid in study.grids(settings):
        log(f"study {study.name}: grid {grid.name}")
        run_grid(grid, folder)
        cells += list(cells_of(grid, prepare(grid, folder)))
    study.measure(settings, StudyRuns(folder, cells))
    write_config(folder / SETTINGS, settings, comment=f"study {study.name}, as it was run")
    write_cells(folder, cells)
    return report_study(study, folder)


def report_study(study: Study, folder: Path) -> StudyResult:
    """Analyses a study that has been run, and writes its page, answer, numbers and figure.

    Raises:
        UserError: it has not been run to its end, or a file is broken.
    """
    check_packages()
    cells = read_cells(folder)
    settings = load_config(study.settings, folder / SETTINGS)
    result = study.analyse(settings, StudyRuns(folder, cells))
    page = write_result(result, folder)
    log(f"study {study.name}: {page}")
    return result

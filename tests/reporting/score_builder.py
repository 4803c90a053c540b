"""Made-up records with their examples' scores, as the farm leaves them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.evaluation.score_files import scores_file, store_scores
from dstilts.tasks.metrics.example_scores import ExampleScores
from tests.reporting.record_builder import METRICS, record, write_record


def write_scored(
    runs: Path, task: str, language: str, right: npt.ArrayLike, **changes: Any
) -> Path:
    """Writes the record of right and wrong answers (N,) and their scores; returns the path.

    Args:
        changes: as of `record`, and `ids`: a prefix of the examples' names.
    """
    prefix = changes.pop("ids", "")
    answers = np.asarray(right, dtype=np.float64)
    value = record(task, language, 100 * float(answers.mean()), **changes)
    value |= {"num_examples": len(answers), "identity": f"{value['model']['key']} {language}"}
    file = write_record(runs, value)
    names = tuple(f"{prefix}{number:04d}" for number in range(len(answers)))
    scores = ExampleScores(METRICS[task][0], names, answers, np.ones(len(answers)))
    store_scores(scores_file(file), scores, value["identity"])
    return file

"""Stored predictions of a study's models, as the evaluation left them."""

from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.evaluation.executors import open_executor
from dstilts.evaluation.plan import EvaluationOptions, usual_tokens
from dstilts.studies.settings import StudySettings
from dstilts.sweep.local import ranks_at_hand

Predictions = dict[str, Any]  # by example id


def read_predictions(runs: Path, key: str, task: str) -> dict[tuple[str, str], Predictions]:
    """The predictions of a model for a task, by language and split.

    Raises:
        UserError: there are none, or a file is broken.
    """
    folder = runs / "predictions" / key
    found = {}
    for file in sorted(folder.glob(f"{task}.*.*.json")):
        language, split = file.name.split(".")[1:3]
        found[language, split] = read_json(file)["predictions"]
    if not found:
        raise UserError(f"no predictions for {task}", file=folder, remedy="run the study again")
    return found


def options_of(settings: StudySettings) -> EvaluationOptions:
    """How the study's grids evaluate."""
    return EvaluationOptions(
        precision=settings.evaluation.precision,
        tokens=settings.evaluation.tokens or usual_tokens(),
        retrieval_layer=settings.evaluation.retrieval_layer,
        max_length=settings.batch.max_length,
        max_length_span=settings.batch.max_length_span,
    )


def evaluate_more(requests: Any, source: Any, output: Path, settings: StudySettings) -> None:
    """Evaluates on another source than the grids'; what is there is kept.

    Raises:
        UserError, RunError: see `evaluate`.
    """
    from dstilts.evaluation.evaluate import evaluate

    with open_executor(ranks_at_hand()) as executor:
        evaluate(requests, source, output, options_of(settings), executor)

"""TensorBoard's view of a model's scores: by language, as an image of all of them, and beside its
training settings.
"""

import contextlib
import math
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dstilts.checkpoints.manifest import Manifest, read_manifest
from dstilts.core.files import read_json
from dstilts.core.logs import log
from dstilts.evaluation.score_image import score_image
from dstilts.tasks.catalog import TASKS, task

SCORES = "scores"
IMAGE = "scores"
HPARAMS = "hparams"  # a run below the scores: TensorBoard shows all of its scalars as columns

_Table = dict[str, dict[str, float]]  # by language, then by metric


def write_scores(model_folder: Path, records: Iterable[Path]) -> Path | None:
    """Draws the scores of a published model in its run folder, in place of those drawn before.

    `<model>.run/tensorboard/scores` gets `scores/<task>/<language>/<metric>`, of the main metric
    `scores/<task>/average` over the languages, and the image `scores` of all of them; `hparams`
    below it the settings and the averages. Nothing is written in the published folder, and a folder
    that cannot be written costs the view only: the records stand.

    Args:
        records: the files of all records of this model.

    Returns:
        The folder, or None where it cannot be written.

    Raises:
        UserError: no model is published here, or a record is broken.
    """
    model_folder = model_folder.resolve()
    manifest = read_manifest(model_folder)
    scores, averages = _read(records)
    board = model_folder.with_name(f"{model_folder.name}.run") / "tensorboard"
    try:
        board.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".scores.", suffix=".tmp", dir=board) as temporary:
            new = Path(temporary) / "new"
            _draw(new, manifest, scores, averages)
            _draw_settings(new / HPARAMS, manifest, averages)
            _put(new, board / SCORES, aside=Path(temporary) / "old")
    except OSError as error:
        log(f"{manifest.name}: scores are not on TensorBoard: {board}: {error.strerror}")
        return None
    return board / SCORES


def _read(records: Iterable[Path]) -> tuple[dict[str, _Table], dict[str, float]]:
    """The scores by task and language, and each task's average.

    Of a language with records of two splits the one counts that is reported.
    """
    splits: dict[tuple[str, str], str] = {}
    tables: dict[str, _Table] = defaultdict(dict)
    for file in sorted(records):
        record: dict[str, Any] = read_json(file)
        name, code, split = record["task"], record["language"], record["split"]
        if splits.get((name, code)) == task(name).eval_split:
            continue
        metrics = {metric: v for metric, v in record["metrics"].items() if _is_score(v)}
        if metrics:
            splits[name, code], tables[name][code] = split, metrics
    averages = {}
    for name, table in tables.items():
        found = [m[task(name).main_metric] for m in table.values() if task(name).main_metric in m]
        if found:
            averages[name] = sum(found) / len(found)
    return tables, averages


def _is_score(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _draw(
    folder: Path,
    manifest: Manifest,
    scores: Mapping[str, _Table],
    averages: Mapping[str, float],
) -> None:
    with _writer(folder) as board:
        for name, table in scores.items():
            for code, metrics in table.items():
                for metric, value in metrics.items():
                    board.add_scalar(f"scores/{name}/{code}/{metric}", value, _step(manifest))
        for name, value in averages.items():
            board.add_scalar(f"scores/{name}/average", value, _step(manifest))
        _draw_image(board, scores, averages, _step(manifest))


def draw_image(board: Any, records: Iterable[Path]) -> None:
    """Adds the image of the main metrics to an open board, of a model without a training step."""
    _draw_image(board, *_read(records), step=0)


def _draw_image(
    board: Any, scores: Mapping[str, _Table], averages: Mapping[str, float], step: int
) -> None:
    main = {name: task(name).main_metric for name in TASKS if name in averages}
    shown = {
        name: {code: m[metric] for code, m in scores[name].items() if metric in m}
        for name, metric in main.items()
    }
    if shown:
        board.add_image(IMAGE, score_image(shown, averages), step, dataformats="HWC")


def _draw_settings(folder: Path, manifest: Manifest, averages: Mapping[str, float]) -> None:
    """The settings of the phase as hyperparameters, with the averages as its metrics.

    Without a list of all metrics: TensorBoard would take that of one model for all of them.
    """
    from torch.utils.tensorboard.summary import hparams

    _, begin, end = hparams(settings(manifest), {})
    with _writer(folder) as board:
        board.file_writer.add_summary(begin)
        for name, value in averages.items():
            board.add_scalar(f"scores/{name}/average", value, _step(manifest))
        board.file_writer.add_summary(end)


def settings(manifest: Manifest) -> dict[str, str | float]:
    """What of a phase's configuration is shown beside its scores."""
    found: Mapping[str, Any] = manifest.settings
    schedule, batch = found.get("schedule", {}), found.get("batch", {})
    engine, mixture = found.get("engine", {}), found.get("mixture", {})
    values: dict[str, str | float | None] = {
        "learning_rate": schedule.get("learning_rate"),
        "epochs": None if schedule.get("steps") else schedule.get("epochs"),
        "steps": found.get("num_steps"),
        "tokens_a_step": batch.get("tokens", 0) * batch.get("micro_batches", 0) or None,
        "seed": manifest.seed,
        "tasks": "+".join(manifest.lineage[-1].tasks),
        "mixture": mixture.get("kind"),
        "parent": " > ".join([manifest.encoder, *(phase.name for phase in manifest.lineage[:-1])]),
        "precision": engine.get("precision"),
        "zero_stage": engine.get("zero_stage"),
    }
    return {name: value for name, value in values.items() if value is not None}


def _step(manifest: Manifest) -> int:
    """Scores stand where training ended."""
    steps = manifest.settings.get("num_steps")
    return steps if isinstance(steps, int) else 0


def _writer(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    # What a TensorBoard that is open has read of the scores before is taken back.
    return SummaryWriter(folder, purge_step=0)


def _put(new: Path, folder: Path, aside: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.rename(folder, aside)
    try:
        os.rename(new, folder)
    except OSError:
        # Another evaluation of the model was first; its records are these as well.
        if not folder.is_dir():
            raise
        shutil.rmtree(new)

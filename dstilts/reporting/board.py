"""The report in TensorBoard: the grid as an image, and each model's scores beside its settings."""

import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dstilts.reporting.contents import Part, Report
from dstilts.reporting.text import signed


def write_board(report: Report, folder: Path) -> None:
    """Replaces `folder` by event files: `grid` with images, one folder a model with hparams.

    The folder is made beside its place and changes with it in one step: a TensorBoard that reads it
    never sees a half.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        made.chmod(0o755)
        _write(report, made)
        if folder.exists():
            old = made / ".old"
            folder.rename(old)
            made.rename(folder)
            shutil.rmtree(folder / ".old")
        else:
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def grid_image(part: Part) -> bytes:
    """The grid as a PNG: scores, with the differences to "none" as colours and in words."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, columns = part.grid, part.section.columns
    figure = Figure(figsize=(2.2 + 1.25 * len(columns), 1.1 + 0.5 * len(rows)), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    changes = [[cell.delta.mean if cell.delta else 0.0 for cell in row.cells] for row in rows]
    limit = max((abs(value) for line in changes for value in line), default=0.0) or 1.0
    axes.imshow(changes, cmap="PuOr_r", vmin=-1.4 * limit, vmax=1.4 * limit, aspect="auto")
    axes.set_xticks(range(len(columns)), [column.title for column in columns], rotation=20)
    axes.set_yticks(range(len(rows)), [row.row.name for row in rows])
    for y, row in enumerate(rows):
        for x, cell in enumerate(row.cells):
            change = f"\n{signed(cell.delta.mean)}" if cell.delta else ""
            words = f"{cell.value.mean:.1f}{change}" if cell.value else "missing"
            axes.text(x, y, words, ha="center", va="center", fontsize=8)
    axes.set_title(f"{part.section.encoder} on {part.section.source}", fontsize=9)
    figure.tight_layout()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _write(report: Report, folder: Path) -> None:
    # The writer of TensorBoard itself: PyTorch's would import torch for a few numbers.
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import summary_v2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    def write(name: str, *summaries: Any) -> None:
        writer = EventFileWriter(str(folder / name))
        for summary in summaries:
            writer.add_event(Event(summary=summary))
        writer.close()

    pictures = []
    for part in report.parts:
        image = Summary.Image(encoded_image_string=grid_image(part))
        tag = f"grid/{part.section.encoder} on {part.section.source}"
        pictures.append(Summary(value=[Summary.Value(tag=tag, image=image)]))
    write("grid", *pictures)
    for name, settings, scores in _models(report):
        values = [Summary.Value(tag=tag, simple_value=score) for tag, score in scores.items()]
        write(name, summary_v2.hparams_pb(settings, trial_id=name), Summary(value=values))


def _models(report: Report) -> Iterator[tuple[str, dict[str, str | int], Mapping[str, float]]]:
    """By section, row and seed: a name, the settings, and the means over languages."""
    for part in report.parts:
        section = part.section
        for row in section.rows:
            scores: dict[int | None, dict[str, float]] = {}
            for column in section.columns:
                cell = section.cell(row, column)
                for seed, run in cell.runs.items() if cell else ():
                    values = [record.metrics[record.main_metric] for record in run.values()]
                    scores.setdefault(seed, {})[column.title] = sum(values) / len(values)
            for seed, found in scores.items():
                settings: dict[str, str | int] = {
                    "encoder": section.encoder,
                    "source": section.source,
                    "intermediate": row.name,
                    "seed": "none" if seed is None else seed,
                }
                yield f"{part.slug}-{_plain(row.name)}-{settings['seed']}", settings, found


def _plain(name: str) -> str:
    """A name as a part of a path."""
    return "".join(letter if letter.isalnum() or letter in "+-_." else "-" for letter in name)

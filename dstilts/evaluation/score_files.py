"""The examples' scores beside each record: small files from which a report pairs two models."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from dstilts.core.digest import stream_digest
from dstilts.core.errors import UserError
from dstilts.core.files import write_bytes
from dstilts.tasks.metrics.example_scores import ExampleScores, Numbers

RECORDS, SCORES = "records", "scores"  # the folders, side by side
_SUFFIX = ".scores"  # the format is safetensors; shards, which are passing, end so
_ABOVE, _BELOW = "numerators", "denominators"


@dataclass(frozen=True)
class StoredScores:
    """The main metric of a record, example by example, in a fixed order of the examples.

    Attributes:
        ids: the digest of the examples' ids: equal for equal examples, and for their translations
            where a task keeps the ids.
        identity: of the predictions that were scored: the record's own.
        numerators, denominators: of each example (N,).
    """

    metric: str
    ids: str
    identity: str
    numerators: Numbers
    denominators: Numbers

    @property
    def value(self) -> float:
        """The metric in per cent."""
        total = self.denominators.sum()
        return 100 * float(self.numerators.sum() / total) if total else 0.0


def scores_file(record: Path) -> Path:
    """`scores/MODEL/NAME.scores` of the record `records/MODEL/NAME.json`."""
    folder = record.parent
    # Names have dots of their own: task.language.split.
    name = record.name.removesuffix(".json") + _SUFFIX
    return folder.parent.with_name(SCORES) / folder.name / name


def store_scores(file: Path, scores: ExampleScores, identity: str) -> None:
    """Writes the scores, whole or not at all."""
    order = np.argsort(np.array(scores.ids))
    arrays = {
        name: _small(values[order])
        for name, values in ((_ABOVE, scores.numerators), (_BELOW, scores.denominators))
    }
    about = {
        "metric": scores.metric,
        "ids": id_digest(scores.ids),
        "identity": identity,
        "examples": str(len(scores.ids)),
    }
    write_bytes(file, save(arrays, about))


def stored_scores(file: Path) -> StoredScores | None:
    """What `store_scores` wrote; None where there is no such file.

    Raises:
        UserError: the file is broken.
    """
    try:
        with safe_open(file, framework="np") as content:
            about = content.metadata()
            count = int(about["examples"])
            above, below = (
                np.broadcast_to(content.get_tensor(name), count) for name in (_ABOVE, _BELOW)
            )
            return StoredScores(
                about["metric"],
                about["ids"],
                about["identity"],
                above.astype(np.float64),
                below.astype(np.float64),
            )
    except FileNotFoundError:
        return None
    except (SafetensorError, KeyError, TypeError, ValueError):
        remedy = "delete the file and its record, and evaluate again: both are made anew"
        raise UserError("no example scores", file=file, remedy=remedy) from None


def id_digest(ids: Sequence[str]) -> str:
    """Equal for the same ids in any order."""
    return stream_digest(sorted(ids))


def _small(values: Numbers) -> npt.NDArray[np.generic]:
    """In few bytes: equal numbers as one, whole numbers as the smallest integers."""
    if len(values) > 0 and (values == values[0]).all():
        values = values[:1]
    if len(values) > 0 and (values == np.rint(values)).all():
        return values.astype(np.min_scalar_type(int(values.max())))
    return values

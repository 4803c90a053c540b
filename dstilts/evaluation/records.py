"""The files an evaluation leaves: predictions, and a record for each model, task and language."""

import dataclasses
import functools
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.core.config import to_table
from dstilts.core.digest import file_digest, short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.evaluation.layer_sweep import LayerSweep
from dstilts.evaluation.models import EvaluatedModel
from dstilts.evaluation.plan import EVALUATION_VERSION, EvaluationOptions
from dstilts.evaluation.score_files import scores_file
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.metrics.bootstrap import LEVEL, REPLICATES
from dstilts.tasks.metrics.score import Prediction

SCHEMA = 2  # 1 had no intervals
_PACKAGES = ("dstilts", "torch", "transformers", "tokenizers", "numpy")


@dataclass(frozen=True)
class PrecisionCheck:
    """How a model's predictions in a lower precision compare with those in fp32, on a sample."""

    asked: str  # the lower precision
    agreement: float  # the share of equal predictions, 0 to 1
    num_compared: int
    least: float  # the share that is enough

    @property
    def passed(self) -> bool:
        """Whether the lower precision is used."""
        return self.agreement >= self.least


@dataclass(frozen=True)
class Item:
    """One model on one task, split and language: what one record is about."""

    model: EvaluatedModel
    examples: ExampleSet
    data_digest: str
    limit: int | None
    options: EvaluationOptions
    check: PrecisionCheck | None = None  # why `options` have this precision; None: it was asked for

    @property
    def title(self) -> str:
        """The task, language and split."""
        return f"{self.examples.task}.{self.examples.language}.{self.examples.split}"

    @property
    def identity(self) -> str:
        """The digest of all that the predictions are a function of."""
        return short_key(
            [
                EVALUATION_VERSION,
                self.model.digest,
                self.data_digest,
                self.options.recorded(task(self.examples.task)),
            ]
        )


class RecordFolder:
    """The predictions and records below one output folder."""

    def __init__(self, output: Path) -> None:
        self._output = output

    @property
    def evaluations(self) -> Path:
        """A line for each evaluation that computed anything: what it took."""
        return self._output / "evaluations.jsonl"

    def record_file(self, item: Item) -> Path:
        """`records/<model key>/<task>.<language>.<split>.json`."""
        return self._output / "records" / item.model.key / f"{item.title}.json"

    def scores_file(self, item: Item) -> Path:
        """The examples' scores of the record, for reports that compare models."""
        return scores_file(self.record_file(item))

    def predictions_file(self, item: Item) -> Path:
        """`predictions/<model key>/<task>.<language>.<split>.json`."""
        return self._output / "predictions" / item.model.key / f"{item.title}.json"

    def precision_file(self, model: EvaluatedModel, task_name: str, precision: str) -> Path:
        """What was measured of a lower precision."""
        return self._output / "precision" / model.key / f"{task_name}.{precision}.json"

    def shards(self, model: EvaluatedModel) -> Path:
        """Where the outputs of a model's shards stand until they are merged."""
        return self._output / "predictions" / model.key / "shards"

    def submission(self, model: EvaluatedModel) -> Path:
        """The model's predictions and labels in the benchmarks' layout, for `dstilts score`."""
        return self._output / "submissions" / model.key

    def board(self, model: EvaluatedModel) -> Path:
        """The model's TensorBoard folder."""
        return self._output / "tensorboard" / model.key

    def has_record(self, item: Item) -> bool:
        """Whether the record is there, of these predictions, with what it was made of.

        A record of old without its examples' scores is not: it is made anew from the predictions.

        Raises:
            UserError: the record is broken.
        """
        record, predictions = self.record_file(item), self.predictions_file(item)
        files = (record, predictions, self.scores_file(item))
        if not all(file.is_file() for file in files):
            return False
        table = _table(record)
        is_same = table.get("schema") == SCHEMA and table.get("identity") == item.identity
        return is_same and table.get("predictions") == file_digest(predictions)

    def stored_predictions(self, item: Item) -> dict[str, Prediction] | None:
        """The predictions of an earlier evaluation, or None where there are none of this item.

        Raises:
            UserError: the file is broken.
        """
        file = self.predictions_file(item)
        if not file.is_file():
            return None
        table = _table(file)
        if table.get("identity") != item.identity:
            return None
        stored: dict[str, Prediction] = table["predictions"]
        return stored

    def write_predictions(
        self, item: Item, predictions: Mapping[str, Prediction], layers: LayerSweep | None = None
    ) -> None:
        """Writes the predictions by example id, with what they are a function of.

        Args:
            layers: how the layers compare, where all were evaluated.
        """
        table = {"schema": SCHEMA, "identity": item.identity, "predictions": dict(predictions)}
        if layers is not None:
            table["layers"] = dataclasses.asdict(layers)
        write_json(self.predictions_file(item), table)

    def stored_layers(self, item: Item) -> LayerSweep | None:
        """How the layers compare of which the stored predictions are the reported one's."""
        layers = _table(self.predictions_file(item)).get("layers")
        return (
            None if layers is None else LayerSweep(**{**layers, "scores": tuple(layers["scores"])})
        )

    def write_record(
        self,
        item: Item,
        source: Mapping[str, object],
        metrics: Mapping[str, float],
        chance: Mapping[str, float],
        ends: tuple[float, float],
    ) -> Path:
        """Writes the record of predictions that are there already; returns its path.

        Args:
            ends: of the interval of the main metric.
        """
        spec = task(item.examples.task)
        file = self.record_file(item)
        record = {
            "schema": SCHEMA,
            "identity": item.identity,
            "model": _model(item.model),
            "task": spec.name,
            "language": item.examples.language,
            "split": item.examples.split,
            "source": dict(source),
            "subset": item.examples.subset,
            "files": list(item.examples.files),
            "num_examples": _num_examples(item.examples),
            "metrics": dict(metrics),
            "chance": dict(chance),
            "interval": {spec.main_metric: list(ends)},
            "bootstrap": {"level": LEVEL, "replicates": REPLICATES},
            "main_metric": spec.main_metric,
            "data_digest": item.data_digest,
            "predictions": file_digest(self.predictions_file(item)),
            "versions": _versions(),
            "options": {**item.options.recorded(spec), "limit": item.limit},
        }
        if item.check is not None:
            record["precision_check"] = dataclasses.asdict(item.check)
        if (layers := self.stored_layers(item)) is not None:
            record["layers"] = dataclasses.asdict(layers)
        write_json(file, record)
        return file


@functools.cache
def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def _num_examples(examples: ExampleSet) -> int:
    """What limits count: examples, or of retrieval tasks pairs, by their sentences of one side."""
    sides = [getattr(example, "side", "source") for example in examples.examples]
    return sides.count("source")


def _model(model: EvaluatedModel) -> dict[str, object]:
    return {
        "key": model.key,
        "digest": model.digest,
        "name": model.name,
        "encoder": model.encoder,
        "intermediate": model.intermediate,
        "target": model.target,
        "seed": model.seed,
        "lineage": [to_table(phase) for phase in model.lineage],
    }


def _table(file: Path) -> dict[str, Any]:
    remedy = "delete the file, it is made again"
    try:
        table = read_json(file)
    except UserError as error:
        raise UserError(error.problem, file=file, line=error.line, remedy=remedy) from None
    if not isinstance(table, dict):
        raise UserError("no JSON object", file=file, remedy=remedy)
    return table

"""All layers in one evaluation: each layer's own score, the choice on dev alone, the record."""

import json
from pathlib import Path
from typing import Any

import pytest

from dstilts.evaluation.evaluate import evaluate
from dstilts.evaluation.executors import open_executor
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest
from dstilts.reporting.collect import collect_records
from dstilts.tasks.examples import Example, ExampleSet, SentenceExample
from tests.evaluation.tiny_farm import MemorySource, publish_tiny, words


def mixed(language: str, first: int) -> list[Example]:
    """Sentences whose translations share some of their words: layers find different ones."""
    return [
        SentenceExample(
            f"{side}-{i}",
            f"{words(code, first + 2 * i, 3)} {words('en', first + i, 1 + i % 3)}",
            side,
            (f"{other}-{i}",),
        )
        for side, code, other in (("source", language, "target"), ("target", "en", "source"))
        for i in range(16)
    ]


class Source(MemorySource):
    """BUCC with a dev set, which the test set brings for calibration; Tatoeba without one."""

    def languages(self, task_name: str, split: str) -> tuple[str, ...]:
        has_dev = task_name == "bucc2018"
        return ("de",) if split == "test" or has_dev else ()

    def load(self, task_name: str, split: str, language: str) -> ExampleSet:
        if task_name == "lareqa":
            return super().load(task_name, split, language)
        dev, test = tuple(mixed(language, 3)), tuple(mixed(language, 0))
        if split == "dev":
            return ExampleSet(task_name, split, language, self.name, dev)
        calibration = dev if task_name == "bucc2018" else ()
        return ExampleSet(task_name, split, language, self.name, test, calibration=calibration)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield publish_tiny(tmp_path_factory.mktemp("models") / "model")


def run(model: Path, output: Path, task: str, split: str, layer: Any) -> tuple[Any, Any]:
    """The record and the predictions."""
    request = EvaluationRequest(str(model), (task,), languages=("de",), split=split)
    with open_executor(1) as executor:
        options = EvaluationOptions(retrieval_layer=layer)
        (file,) = evaluate([request], Source(), output, options, executor)
    predictions = output / "predictions" / file.parent.name / file.name
    return json.loads(file.read_text()), json.loads(predictions.read_text())["predictions"]


@pytest.mark.parametrize(
    ("task", "split", "chosen_on"),
    [("tatoeba", "test", None), ("bucc2018", "dev", "dev"), ("bucc2018", "test", "dev")],
)
def test_same_as_each_layer_alone(
    model: Path, tmp_path: Path, task: str, split: str, chosen_on: str | None
) -> None:
    metric = "f1" if task == "bucc2018" else "accuracy"
    alone = [run(model, tmp_path / str(n), task, split, n) for n in range(3)]
    compared = [
        run(model, tmp_path / f"dev{n}", task, chosen_on or split, n)[0]["metrics"][metric]
        for n in range(3)
    ]
    assert len(set(compared)) > 1, "layers that are all alike prove nothing"
    record, predictions = run(model, tmp_path / "all", task, split, "all")
    best = max(range(3), key=lambda n: (compared[n], n))
    reported = 2 if chosen_on is None else best
    assert record["layers"] == {
        "metric": metric,
        "split": chosen_on or split,
        "scores": pytest.approx(compared),
        "chosen": None if chosen_on is None else best,
        "reported": reported,
    }
    assert record["options"]["layer"] == "all"
    assert record["metrics"] == pytest.approx(alone[reported][0]["metrics"])
    assert {n: p for n, p in predictions.items() if isinstance(p, str)} == {
        n: p for n, p in alone[reported][1].items() if isinstance(p, str)
    }
    assert "layers" not in alone[0][0]
    (read,) = collect_records(tmp_path / "all")
    assert read.metrics[metric] == record["metrics"][metric]


def test_the_record_is_made_again_with_the_layers(model: Path, tmp_path: Path) -> None:
    first, _ = run(model, tmp_path, "bucc2018", "test", "all")
    (file,) = tmp_path.glob("records/*/*.json")
    file.unlink()
    again, _ = run(model, tmp_path, "bucc2018", "test", "all")
    assert again["layers"] == first["layers"]


def test_first_tokens_are_the_last_layers(model: Path, tmp_path: Path) -> None:
    alone, predictions = run(model, tmp_path / "alone", "lareqa", "test", -1)
    record, found = run(model, tmp_path / "all", "lareqa", "test", "all")
    assert "layers" not in record
    assert found == predictions
    assert record["metrics"] == alone["metrics"]

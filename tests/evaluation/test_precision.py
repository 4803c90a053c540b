"""Lower precisions: used where a sample is predicted alike, and what was measured is recorded."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from dstilts.core.errors import UserError
from dstilts.evaluation import precision
from dstilts.evaluation.evaluate import evaluate
from dstilts.evaluation.executors import open_executor
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest
from dstilts.models.encoder import load_encoder
from dstilts.models.quantise import quantise
from tests.evaluation.tiny_farm import TASKS, MemorySource, publish_tiny
from tests.tiny import tiny_encoder

SOURCE = MemorySource()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_tiny(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def run(
    model: Path, output: Path, asked: str, tasks: tuple[str, ...] = TASKS
) -> dict[str, dict[str, Any]]:
    """The records by file name."""
    with open_executor(1) as workers:
        request = EvaluationRequest(str(model), tasks)
        options = EvaluationOptions(precision=asked)
        files = evaluate([request], SOURCE, output, options, workers)
    return {file.name: json.loads(file.read_text()) for file in files}


def predictions(output: Path) -> dict[str, Any]:
    files = output.glob("predictions/*/*.json")
    return {file.name: json.loads(file.read_text())["predictions"] for file in files}


def test_a_task_goes_on_in_fp32_where_too_few_predictions_agree(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(model, tmp_path / "fp32", "fp32")
    # What int8 predicts of everything, so that what a check must have found is known.
    monkeypatch.setattr(precision, "LEAST", 0.0)
    everywhere = run(model, tmp_path / "int8", "int8")
    assert {r["options"]["precision"] for r in everywhere.values()} == {"int8"}
    shares = {r["task"]: r["precision_check"]["agreement"] for r in everywhere.values()}
    exact, lower = predictions(tmp_path / "fp32"), predictions(tmp_path / "int8")
    # Sets are smaller than the sample, which is then all of them: counted by hand.
    names = [name for name in exact if name.startswith("udpos.")]
    pairs = [p for n in names for i in exact[n] for p in zip(exact[n][i], lower[n][i], strict=True)]
    assert shares["udpos"] == sum(a == b for a, b in pairs) / len(pairs)
    names = [name for name in exact if name.startswith("xnli.")]
    alike = [exact[n][i] == lower[n][i] for n in names for i in exact[n]]
    assert shares["xnli"] == sum(alike) / len(alike)
    least = sorted(set(shares.values()))[1]
    assert min(shares.values()) < least <= 1
    monkeypatch.setattr(precision, "LEAST", least)
    capsys.readouterr()
    mixed = run(model, tmp_path / "mixed", "int8")
    said = capsys.readouterr().err
    for name, record in mixed.items():
        passes = shares[record["task"]] >= least
        used, source = ("int8", lower) if passes else ("fp32", exact)
        assert record["options"]["precision"] == used
        assert record["precision_check"] == {
            **everywhere[name]["precision_check"],
            "least": least,
        }
        assert predictions(tmp_path / "mixed")[name].keys() == source[name].keys()
        if not passes:
            assert predictions(tmp_path / "mixed")[name] == exact[name]
    worst = min(shares, key=shares.__getitem__)
    assert f"{worst} in int8: {shares[worst]:.1%} of " in said
    assert "fp32 is used" in said


def test_what_was_measured_is_used_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(model, tmp_path, "bf16", ("xnli", "tatoeba"))
    with monkeypatch.context() as patch:
        patch.setattr(precision, "run_shard", None)
        assert run(model, tmp_path, "bf16", ("tatoeba",)).items() <= first.items()
    measured = []
    monkeypatch.setattr(precision, "_measured", lambda missing, _: measured.extend(missing) or {})
    monkeypatch.setattr(precision, "LEAST", 0.5)  # another question
    with pytest.raises(AssertionError):
        run(model, tmp_path, "bf16", ("tatoeba",))
    assert measured == ["tatoeba"]


def test_fp32_is_not_checked(model: Path, tmp_path: Path) -> None:
    (record, *_) = run(model, tmp_path, "fp32", ("xnli",)).values()
    assert "precision_check" not in record
    assert not (tmp_path / "precision").exists()


def test_int8_layers_give_almost_the_same(tmp_path: Path) -> None:
    bundle = load_encoder(str(tiny_encoder(tmp_path / "tiny")))
    batch = dict(bundle.tokenizer(["Maria bought three apples.", "The book"], padding=True))
    inputs = {name: torch.tensor(values) for name, values in batch.items()}
    with torch.inference_mode():
        exact = bundle.model(**inputs).last_hidden_state
        quantise(bundle.model, torch.device("cpu"))
        lower = bundle.model(**inputs).last_hidden_state
    kept = [m for m in bundle.model.modules() if isinstance(m, torch.nn.Linear)]
    assert not kept
    error = (exact - lower).norm() / exact.norm()
    assert 0 < error < 0.05
    with pytest.raises(UserError, match="int8 is for CPUs"):
        quantise(bundle.model, torch.device("cuda"))

"""The farm from end to end: right predictions, the same for any workers, nothing done twice."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dstilts.checkpoints.manifest import read_manifest
from dstilts.core.errors import UserError
from dstilts.core.logs import read_events
from dstilts.evaluation import compute, shards, worker
from dstilts.evaluation.evaluate import evaluate
from dstilts.evaluation.executors import open_executor
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest, evaluation_sets
from dstilts.evaluation.score_files import scores_file, stored_scores
from dstilts.evaluation.shards import Shard
from dstilts.evaluation.worker import run_shard
from dstilts.reporting.collect import collect_records
from dstilts.tasks.benchmarks import BENCHMARKS
from dstilts.tasks.catalog import task
from dstilts.tasks.submission.benchmark_scores import score_folder
from tests.evaluation.faults_job import NOTES
from tests.evaluation.one_by_one import predict_one_by_one
from tests.evaluation.tiny_farm import MAKERS, TASKS, MemorySource, publish_tiny

SOURCE = MemorySource()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_tiny(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def runs(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation of all tasks in this process."""
    output = tmp_path_factory.mktemp("runs")
    run(model, output)
    return output


def run(model: Path, output: Path, *, workers: int = 1, **changes: Any) -> list[Path]:
    request = EvaluationRequest(str(model), changes.pop("tasks", TASKS))
    with open_executor(workers) as executor:
        return evaluate([request], SOURCE, output, EvaluationOptions(**changes), executor)


def noted_shard(shard: Shard) -> int:
    """Runs a shard; notes by process which models are loaded."""
    kept = worker._kept
    number = run_shard(shard)
    if worker._kept is not kept:
        with (Path(os.environ[NOTES]) / str(os.getpid())).open("a") as stream:
            stream.write(f"{Path(shard.model).name}\n")
    return number


def predictions(runs: Path) -> dict[str, Any]:
    files = sorted(runs.glob("predictions/*/*.json"))
    return {file.name: json.loads(file.read_text())["predictions"] for file in files}


def contents(runs: Path) -> dict[str, str]:
    return {
        str(file.relative_to(runs)): file.read_text()
        for file in [*runs.glob("predictions/*/*.json"), *runs.glob("records/*/*.json")]
    }


@pytest.mark.parametrize("name", TASKS)
def test_predicts_what_the_model_says_alone(model: Path, runs: Path, name: str) -> None:
    (every,) = [MAKERS[name]]
    seen: list[Any] = []
    for examples in evaluation_sets(SOURCE, name, languages=every[2], limit=None):
        expected = predict_one_by_one(model, examples)
        found = predictions(runs)[f"{name}.{examples.language}.{examples.split}.json"]
        assert found == expected
        seen += found.values()
    assert len(set(map(str, seen))) > 1, "a model that always says the same proves nothing"


@pytest.mark.parametrize("tokens", [1, 130, 100_000])
def test_batch_composition_changes_no_prediction(
    model: Path, runs: Path, tmp_path: Path, tokens: int
) -> None:
    run(model, tmp_path, tokens=tokens)
    assert_close(predictions(tmp_path), predictions(runs))


def assert_close(found: Any, expected: Any) -> None:
    """Labels, texts and ids are the same; scores but for rounding, which padding changes."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert_close(found[name], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
    else:
        is_score = isinstance(expected, float)
        assert found == (pytest.approx(expected, rel=1e-4, abs=1e-4) if is_score else expected)


def test_two_processes_give_the_same_files(
    model: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "_LEAST_SECONDS", 1e-3)
    run(model, tmp_path / "two", workers=2, tokens=130)
    run(model, tmp_path / "one", tokens=130)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert_close(predictions(tmp_path / "two"), predictions(runs))


@pytest.mark.distributed
def test_ranks_of_mpi_give_the_same_files(model: Path, runs: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.evaluation import test_evaluate as t; "
        "t.run(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    mpiexec = Path(sys.executable).with_name("mpiexec")
    command = [mpiexec, "-n", "3", sys.executable, "-c", program, model, tmp_path]
    root = str(Path(__file__).resolve().parents[2])
    subprocess.run(command, check=True, timeout=120, env={**os.environ, "PYTHONPATH": root})
    assert contents(tmp_path) == contents(runs)


def test_records_say_where_numbers_come_from(model: Path, runs: Path) -> None:
    manifest = read_manifest(model)
    records = collect_records(runs)
    assert len(records) == sum(len(codes) for _, _, codes in MAKERS.values()) + 1
    for record in records:
        assert record.model_key == manifest.key
        assert (record.intermediate, record.seed, record.encoder) == ("nli", 1, "tiny")
        assert record.source == "memory"
        assert record.main_metric in record.metrics
        assert set(record.chance) == (set() if record.task == "mlm" else set(record.metrics))
        assert record.interval is not None
        assert record.interval.level == 0.95
        value = record.metrics[record.main_metric]
        assert 0 <= record.interval.low <= value <= record.interval.high <= 100
    assert any(r.interval.low < r.interval.high for r in records if r.interval)
    by_name = {(record.task, record.language): record for record in records}
    assert by_name["xnli", "th"].split == "dev"
    assert by_name["tatoeba", "de"].num_examples == 6
    assert by_name["udpos", "en"].options["label_token"] == "first_nonbare"
    board = model.with_name(f"{model.name}.run") / "tensorboard" / "scores"
    assert list(board.glob("events*"))
    assert not list(runs.rglob("*.safetensors"))
    for record in records:
        stored = stored_scores(scores_file(runs / record.file))
        assert stored is not None
        assert stored.value == pytest.approx(record.metrics[record.main_metric])


def test_records_of_an_older_schema_are_written_again(
    model: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the predictions that are there: nothing is computed."""
    shutil.copytree(runs, tmp_path / "runs")
    (file,) = (tmp_path / "runs").glob("records/*/xquad.de.*.json")
    whole = file.read_text()
    record = json.loads(whole)
    del record["interval"], record["bootstrap"]
    file.write_text(json.dumps({**record, "schema": 1}))
    monkeypatch.setattr("dstilts.evaluation.compute.run_shard", None)
    run(model, tmp_path / "runs")
    assert file.read_text() == whole


def test_the_benchmarks_layout_scores_the_same(model: Path, runs: Path) -> None:
    folder = runs / "submissions" / read_manifest(model).key
    scores = score_folder(folder / "predictions", folder / "labels", BENCHMARKS["xtreme"])
    names = {name for name in TASKS if "target" in task(name).roles}
    assert set(scores.tasks) == names
    compared = 0
    for record in collect_records(runs):
        if record.task in names and record.language in scores.tasks[record.task].languages:
            for metric, value in scores.tasks[record.task].languages[record.language].items():
                assert record.metrics[metric] == pytest.approx(value, abs=1e-9), record.task
                compared += 1
    assert compared > 15


def test_a_second_run_computes_nothing(
    model: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file: file.stat().st_mtime_ns for file in runs.rglob("*") if file.is_file()}
    monkeypatch.setattr(compute, "run_shard", _must_not_run)
    assert len(run(model, runs)) == len(collect_records(runs))
    after = {file: file.stat().st_mtime_ns for file in runs.rglob("*") if file.is_file()}
    assert after == before


def _must_not_run(shard: Shard) -> int:
    raise AssertionError(f"computed again: {shard.file}")


@pytest.mark.parametrize("folder", ["records", "scores"])
def test_a_lost_record_is_made_from_the_predictions(
    model: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    next(tmp_path.glob(f"{folder}/*/xquad.de*")).unlink()
    monkeypatch.setattr(compute, "run_shard", _must_not_run)
    run(model, tmp_path)
    assert contents(tmp_path) == contents(runs)
    assert len(list(tmp_path.glob("scores/*/*"))) == len(list(tmp_path.glob("records/*/*")))


def test_changed_predictions_are_scored_again(
    model: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    file = next(tmp_path.glob("predictions/*/xnli.en*"))
    table = json.loads(file.read_text())
    examples = SOURCE.load("xnli", "test", "en").examples
    table["predictions"] = {example.id: example.label for example in examples}
    file.write_text(json.dumps(table))
    monkeypatch.setattr(compute, "run_shard", _must_not_run)
    run(model, tmp_path)
    (record,) = [r for r in collect_records(tmp_path) if (r.task, r.language) == ("xnli", "en")]
    assert record.metrics["accuracy"] == 100


def test_goes_on_where_a_killed_run_was(
    model: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "_LEAST_SECONDS", 1e-3)
    ran: list[str] = []

    def killed(shard: Shard) -> int:
        if len(ran) == 2:
            raise KeyboardInterrupt
        ran.append(shard.file.name)
        return run_shard(shard)

    monkeypatch.setattr(compute, "run_shard", killed)
    with pytest.raises(KeyboardInterrupt):
        run(model, tmp_path, tokens=300)
    assert not list(tmp_path.glob("records/*/*"))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2

    monkeypatch.setattr(
        compute, "run_shard", lambda shard: ran.append(shard.file.name) or run_shard(shard)
    )
    run(model, tmp_path, tokens=300)
    assert len(ran) == len(set(ran)) > 3
    assert_close(predictions(tmp_path), predictions(runs))


def test_examples_that_a_model_was_trained_on_are_left_out(model: Path, tmp_path: Path) -> None:
    trained = tmp_path / "trained"
    shutil.copytree(model, trained)
    table = json.loads((trained / "manifest.json").read_text())
    few = {"task": "xnli", "languages": ["de"], "examples": 2, "split": "dev", "seed": 1}
    table["few_shot"] = [few]
    (trained / "manifest.json").write_text(json.dumps(table))
    for folder, number in ((model, 9), (trained, 7)):
        request = EvaluationRequest(str(folder), ("xnli",), languages=("de", "th"), split="dev")
        with open_executor(1) as executor:
            output = tmp_path / folder.name
            files = evaluate([request], SOURCE, output, EvaluationOptions(), executor)
        records = [json.loads(file.read_text()) for file in files]
        # The sets of a parallel task lose the same items in every language.
        assert [record["num_examples"] for record in records] == [number, number]
        said = [record["subset"] for record in records]
        assert all((text is None) == (number == 9) for text in said)


def test_another_subset_replaces_the_record(model: Path, runs: Path, tmp_path: Path) -> None:
    request = EvaluationRequest(str(model), ("xnli",), languages=("de",), limit=4)
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    with open_executor(1) as executor:
        (file,) = evaluate([request], SOURCE, tmp_path, EvaluationOptions(), executor)
    record = json.loads(file.read_text())
    assert record["num_examples"] == 4
    assert record["subset"] == "4 of 9, drawn with seed 1"
    assert record["options"]["limit"] == 4


def test_an_encoder_as_it_is_serves_retrieval_alone(model: Path, tmp_path: Path) -> None:
    encoder = model.with_name("model-encoder")
    run(encoder, tmp_path, tasks=("tatoeba",))
    records = collect_records(tmp_path)
    assert [(r.intermediate, r.seed, r.target) for r in records] == [("none", None, None)] * 2
    with pytest.raises(UserError, match="has no head 'nli' for the task 'xnli'; its heads: none"):
        run(encoder, tmp_path, tasks=("xnli",))


def test_layers_give_other_vectors(model: Path, runs: Path, tmp_path: Path) -> None:
    run(model, tmp_path, tasks=("tatoeba",), retrieval_layer=0)
    other = predictions(tmp_path)
    assert other != {name: predictions(runs)[name] for name in other}
    with pytest.raises(UserError, match="no layer 9"):
        run(model, tmp_path, tasks=("tatoeba",), retrieval_layer=9)


def test_bf16_is_another_evaluation(
    model: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dstilts.evaluation.precision.LEAST", 0.0)
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    run(model, tmp_path, precision="bf16")
    options = [record.options["precision"] for record in collect_records(tmp_path)]
    assert set(options) == {"bf16"}


def test_two_models_in_one_farm(model: Path, runs: Path, tmp_path: Path) -> None:
    second = publish_tiny(tmp_path / "models" / "second", key="k2", seed=2)
    output = tmp_path / "runs"
    requests = [EvaluationRequest(str(m), ("udpos",)) for m in (model, second, model)]
    with open_executor(1) as executor:
        files = evaluate(requests, SOURCE, output, EvaluationOptions(), executor)
    assert [file.parent.name for file in files] == ["k1", "k1", "k2", "k2"]
    for name, expected in predictions(runs).items():
        if name.startswith("udpos"):
            assert (
                json.loads((output / "predictions" / "k1" / name).read_text())["predictions"]
                == expected
            )
    (english, _) = evaluation_sets(SOURCE, "udpos", languages=None, limit=None)
    found = json.loads((output / "predictions" / "k2" / "udpos.en.test.json").read_text())
    assert found["predictions"] == predict_one_by_one(second, english)


@pytest.mark.distributed
def test_a_worker_loads_each_model_once(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = publish_tiny(tmp_path / "models" / "second", key="k2", seed=2)
    requests = [EvaluationRequest(str(m), ("xnli", "udpos", "xquad")) for m in (model, second)]
    monkeypatch.setattr(compute, "run_shard", noted_shard)
    monkeypatch.setattr(shards, "_LEAST_SECONDS", 1e-6)
    monkeypatch.setattr(shards, "_MANY", 1000)
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    (tmp_path / "notes").mkdir()
    with open_executor(2) as executor:
        evaluate(requests, SOURCE, tmp_path / "runs", EvaluationOptions(tokens=200), executor)
    loaded = [file.read_text().split() for file in (tmp_path / "notes").iterdir()]
    assert {name for names in loaded for name in names} == {"model", "second"}
    assert all(len(names) == len(set(names)) for names in loaded), loaded


def test_the_same_cell_with_two_limits_is_refused(model: Path, tmp_path: Path) -> None:
    requests = [EvaluationRequest(str(model), ("xnli",), limit=limit) for limit in (2, 3)]
    with (
        open_executor(1) as executor,
        pytest.raises(UserError, match=r"xnli\.de\.test is asked for twice"),
    ):
        evaluate(requests, SOURCE, tmp_path, EvaluationOptions(), executor)
    assert list(tmp_path.iterdir()) == []


def test_a_rank_that_has_served_does_nothing(model: Path, tmp_path: Path) -> None:
    request = EvaluationRequest(str(model), TASKS)
    assert evaluate([request], SOURCE, tmp_path, EvaluationOptions(), None) == []
    assert list(tmp_path.iterdir()) == []


def test_what_it_took_is_noted_once(model: Path, runs: Path, tmp_path: Path) -> None:
    run(model, tmp_path, tasks=("xnli",), tokens=64)
    run(model, tmp_path, tasks=("xnli",), tokens=64)  # everything is there
    (event,) = read_events(tmp_path / "evaluations.jsonl")
    sets = evaluation_sets(SOURCE, "xnli", languages=None, limit=None)
    assert (event["event"], event["models"], event["workers"]) == ("evaluation", 1, 1)
    assert event["rows"] == sum(map(len, sets))
    assert event["tokens"] > event["rows"]
    assert event["seconds"] > 0

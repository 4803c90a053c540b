"""Scores on TensorBoard, read back as TensorBoard reads them, its hyperparameter view included."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard import context
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups, metadata

from dstilts.checkpoints.manifest import Manifest, PhaseRecord, write_manifest
from dstilts.core.errors import UserError
from dstilts.evaluation import board
from dstilts.evaluation.board import write_scores
from dstilts.evaluation.score_image import score_image
from dstilts.tasks.catalog import task
from tests.reporting.record_builder import record, write_record

STEPS = 620


def published(folder: Path, rate: float = 1e-5, target: str = "xnli") -> Path:
    """A model without weights."""
    folder.mkdir(parents=True)
    lineage = (
        PhaseRecord("nli", "intermediate", ("mnli", "squad"), 1),
        PhaseRecord(target, "target", (target,), 3),
    )
    settings = {
        "schedule": {"learning_rate": rate, "epochs": 2.0},
        "batch": {"tokens": 1024, "micro_batches": 4},
        "mixture": {"kind": "proportional"},
        "engine": {"precision": "bf16", "zero_stage": 1},
        "num_steps": STEPS,
    }
    write_manifest(folder, Manifest("key", target, "default", lineage, {}, settings=settings))
    return folder


def drawn(folder: Path) -> dict[str, float]:
    """The scalars of a folder, each of one step."""
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    found = {}
    for tag in accumulator.Tags()["scalars"]:
        (scalar,) = accumulator.Scalars(tag)
        assert scalar.step == STEPS
        found[tag] = scalar.value
    return found


def shown(runs: Path) -> dict[str, tuple[dict[str, Any], dict[str, float]]]:
    """What TensorBoard's hyperparameter view has of a folder: settings and metrics by model."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(runs))
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, str(runs))
    backend = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    request = context.RequestContext()
    tags = backend.hparams_metadata(request, "")
    hparams = backend.hparams_from_data_provider(request, "", None)
    experiment = backend.experiment_from_metadata(request, "", True, tags, hparams)
    groups = list_session_groups.Handler(
        *(request, backend, ""),
        api_pb2.ListSessionGroupsRequest(allowed_statuses=[api_pb2.STATUS_SUCCESS], slice_size=100),
    ).run()
    assert {info.name.group for info in experiment.metric_infos} == {""}
    return {
        group.sessions[0].name.partition(".run/")[0]: (
            {name: v.number_value or v.string_value for name, v in group.hparams.items()},
            {metric.name.tag: metric.value for metric in group.metric_values},
        )
        for group in groups.session_groups
    }


def test_scores_by_language_and_their_average(tmp_path: Path) -> None:
    model = published(tmp_path / "models" / "xnli-s3")
    before = sorted(os.listdir(model))
    records = [
        write_record(tmp_path, record("xnli", "de", 80.0)),
        write_record(tmp_path, record("xnli", "sw", 60.0)),
        write_record(tmp_path, record("xquad", "de", 70.0)),
        write_record(tmp_path, record("xnli", "th", None)),  # failed
    ]
    folder = write_scores(model, records)
    assert folder == tmp_path / "models" / "xnli-s3.run" / "tensorboard" / "scores"
    assert drawn(folder) == {
        "scores/xnli/de/accuracy": 80.0,
        "scores/xnli/sw/accuracy": 60.0,
        "scores/xnli/average": 70.0,
        "scores/xquad/de/f1": 70.0,
        "scores/xquad/de/em": 68.0,
        "scores/xquad/average": 70.0,
    }
    assert sorted(os.listdir(model)) == before


def test_the_image_has_every_main_metric(tmp_path: Path) -> None:
    model = published(tmp_path / "xnli-s3")
    values = [
        ("xquad", "de", 70.0),
        ("xnli", "de", 80.0),
        ("xnli", "sw", 60.0),
        ("xnli", "th", None),
    ]
    folder = write_scores(model, [write_record(tmp_path, record(*value)) for value in values])
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    (image,) = accumulator.Images(accumulator.Tags()["images"][0])
    assert (accumulator.Tags()["images"], image.step) == (["scores"], STEPS)
    tables = {"xnli": {"de": 80.0, "sw": 60.0}, "xquad": {"de": 70.0}}
    expected = score_image(tables, {"xnli": 70.0, "xquad": 70.0})
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(image.encoded_image_string))), expected)


def test_settings_stand_beside_the_averages_of_all_models(tmp_path: Path) -> None:
    for name, rate, score, target in (("a", 1e-5, 70.0, "xnli"), ("b", 3e-5, 50.0, "xquad")):
        model = published(tmp_path / "models" / name, rate, target)
        write_scores(model, [write_record(tmp_path / name, record(target, "de", score))])
    table = shown(tmp_path / "models")
    assert set(table) == {"a", "b"}
    settings, metrics = table["b"]
    assert settings == {
        "learning_rate": 3e-5,
        "epochs": 2.0,
        "steps": STEPS,
        "tokens_a_step": 4096,
        "seed": 3,
        "tasks": "xquad",
        "mixture": "proportional",
        "parent": "default > nli",
        "precision": "bf16",
        "zero_stage": 1,
    }
    assert metrics == {"scores/xquad/average": 50.0}
    assert table["a"][1] == {"scores/xnli/average": 70.0}
    accumulator = EventAccumulator(
        str(tmp_path / "models" / "a.run" / "tensorboard" / "scores" / "hparams")
    )
    accumulator.Reload()
    assert set(accumulator.PluginTagToContent(metadata.PLUGIN_NAME)) == {
        metadata.SESSION_START_INFO_TAG,
        metadata.SESSION_END_INFO_TAG,
    }


def test_a_second_evaluation_takes_the_place_of_the_first(tmp_path: Path) -> None:
    model = published(tmp_path / "m")
    write_scores(model, [write_record(tmp_path, record("xnli", "de", 80.0))])
    train = tmp_path / "m.run" / "tensorboard" / "events.out.tfevents.1.x"
    train.write_bytes(b"of training")
    write_scores(model, [write_record(tmp_path, record("xnli", "fr", 60.0))])
    folder = tmp_path / "m.run" / "tensorboard" / "scores"
    assert set(drawn(folder)) == {"scores/xnli/fr/accuracy", "scores/xnli/average"}
    assert len([*folder.glob("events*")]) == len([*(folder / "hparams").glob("events*")]) == 1
    assert train.read_bytes() == b"of training"
    assert sorted(os.listdir(train.parent)) == [train.name, "scores"]


def test_of_two_splits_the_reported_one_counts(tmp_path: Path) -> None:
    model = published(tmp_path / "m")
    for name, reported in (("xnli", "test"), ("mnli", "dev")):
        assert task(name).eval_split == reported
        records = [
            write_record(tmp_path, {**record("xnli", "en", value, split=split), "task": name})
            for split, value in (("dev", 1.0), ("test", 2.0))
        ]
        folder = write_scores(model, records)
        assert folder is not None
        expected = 1.0 if reported == "dev" else 2.0
        assert drawn(folder)[f"scores/{name}/en/accuracy"] == expected


def test_a_folder_that_cannot_be_written_costs_only_the_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = published(tmp_path / "m")
    records = [write_record(tmp_path, record("xnli", "de", 80.0))]
    (tmp_path / "m.run").write_text("a file in the way")
    assert write_scores(model, records) is None
    assert "xnli: scores are not on TensorBoard" in capsys.readouterr().err
    (tmp_path / "m.run").unlink()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    write_scores(model, records)
    with monkeypatch.context() as patch:
        patch.setattr(board, "_draw_settings", killed)
        with pytest.raises(KeyboardInterrupt):
            write_scores(model, [write_record(tmp_path, record("xnli", "fr", 1.0))])
    assert "scores/xnli/de/accuracy" in drawn(tmp_path / "m.run" / "tensorboard" / "scores")
    assert os.listdir(tmp_path / "m.run" / "tensorboard") == ["scores"]
    with pytest.raises(UserError, match="no published model here"):
        write_scores(tmp_path / "records", records)

"""Every task of the catalog: trained for a few steps, then evaluated, on both editions of data."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from dstilts.core.files import read_json
from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.phase import (
    BatchConfig,
    DataConfig,
    EngineConfig,
    MixtureConfig,
    PhaseConfig,
    ScheduleConfig,
    TaskUse,
)
from dstilts.engine.train import train_phase
from dstilts.evaluation.evaluate import evaluate
from dstilts.evaluation.executors import open_executor
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest
from dstilts.sampling.schedule import TaskSchedule
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.open_source import open_source
from dstilts.tasks.source import Source
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))


def trainable(source: Source) -> tuple[str, ...]:
    """The tasks that the source has a training set of, with those that are made of parts."""
    there = {name for name in source.tasks() if source.languages(name, "train")}
    return tuple(
        name
        for name, spec in TASKS.items()
        if name in there or (spec.parts and there.issuperset(spec.parts))
    )


def train_all(source: Source, folder: Path, data: DataConfig) -> Path:
    """One phase over all training sets; each is drawn at least once."""
    names = trainable(source)
    config = PhaseConfig(
        name="all",
        role="target",
        output=folder / "model",
        parent=str(tiny_encoder(folder / "encoder")),
        tasks=tuple(
            TaskUse(name, examples=40, languages=("de", "yo") if name == "mlm" else ())
            for name in names
        ),
        data=data,
        mixture=MixtureConfig("uniform"),
        schedule=ScheduleConfig(steps=6 * len(names), learning_rate=1e-3),
        batch=BatchConfig(tokens=256, micro_batches=2, max_length=64, max_length_span=120),
        engine=EngineConfig(log_every=1),
    )
    train_phase(config, ProcessGroup())
    events = read_events(config.run_folder / "events.jsonl")
    losses = [event["loss"] for event in events if event["event"] == "train"]
    assert len(losses) == 6 * len(names)
    assert all(0 < loss < 20 for loss in losses)
    drawn = TaskSchedule(config.seed, np.full(len(names), 1 / len(names)), len(losses))
    assert {drawn.task_at(step) for step in range(len(losses))} == set(range(len(names)))
    return config.output


def evaluate_all(model: Path, source: Source, output: Path, skip: Collection[str] = ()) -> None:
    """Every evaluation set in up to two languages: a record with every metric of the catalog."""
    found = set()
    for name, spec in TASKS.items():
        languages = source.languages(name, spec.eval_split) or source.languages(name, "dev")
        if not languages or name in skip or spec.parts:
            continue
        wanted = tuple(dict.fromkeys((languages[0], languages[-1])))
        request = EvaluationRequest(str(model), (name,), languages=wanted, limit=6)
        with open_executor(1) as executor:
            files = evaluate([request], source, output, EvaluationOptions(), executor)
        assert len(files) == len(wanted), name
        for file in files:
            record = read_json(file)
            assert set(record["metrics"]) == set(spec.metrics), name
            assert record["num_examples"] == 6, name
            assert all(value >= 0 for value in record["metrics"].values()), name
        found.add(name)
    assert found == {n for n in source.tasks() if n not in skip}


def test_on_the_phrasebook(tmp_path: Path) -> None:
    source = open_source("phrasebook")
    assert set(trainable(source)) == {
        name for name, spec in TASKS.items() if spec.train_task == name
    }
    model = train_all(source, tmp_path, DataConfig())
    evaluate_all(model, source, tmp_path / "runs")


@pytest.mark.data
def test_on_real_files(tmp_path: Path, data_folder: Path) -> None:
    source = open_source("local", data_folder)
    model = train_all(source, tmp_path, DataConfig("local", data_folder))
    # Without a training set there is no head: PAWS-X has none here, and CCGbank is not free.
    heads = {TASKS[name].head for name in trainable(source)}
    skip = {
        name for name, spec in TASKS.items() if spec.kind != "retrieval" and spec.head not in heads
    }
    evaluate_all(model, source, tmp_path / "runs", skip)

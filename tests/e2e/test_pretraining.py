"""The recipe `mini` at a tiny setting: an encoder from scratch, then the whole grid on it."""

import dataclasses
import json
from pathlib import Path

import pytest

from dstilts.core.files import read_json
from dstilts.engine.phase import BatchConfig, DataConfig, EngineConfig, ScheduleConfig
from dstilts.reporting.collect import collect_records
from dstilts.sweep.grid import Grid, load_grid, scaled
from dstilts.sweep.local import Slot
from dstilts.sweep.prepare import prepare
from dstilts.sweep.scheduler import run_grid

pytestmark = pytest.mark.e2e


def tiny_mini() -> Grid:
    """The recipe on the phrasebook, with everything of it made small."""
    grid = scaled(load_grid("mini", ["data.folder=x"]), 0.002)
    assert grid.pretraining is not None
    first = dataclasses.replace(
        grid.pretraining,
        tasks=tuple(dataclasses.replace(use, examples=60) for use in grid.pretraining.tasks),
        schedule=ScheduleConfig(steps=12, learning_rate=1e-3),
        batch=BatchConfig(tokens=512, micro_batches=1, max_length=64),
    )
    return dataclasses.replace(
        grid,
        encoder="tiny",
        data=DataConfig(),
        pretraining=first,
        seeds=(1, 2),
        intermediates=tuple(row for row in grid.intermediates if row.name in ("nli", "squad")),
        targets=tuple(
            dataclasses.replace(column, limit=8)
            for column in grid.targets
            if column.name in ("retrieval", "xquad")
        ),
        batch=BatchConfig(tokens=512, micro_batches=1, max_length=64, max_length_span=96),
        engine=EngineConfig(),
        evaluation=dataclasses.replace(grid.evaluation, languages=("de", "sw", "zh")),
    )


def test_every_model_starts_from_the_pretrained_encoder(tmp_path: Path) -> None:
    grid = tiny_mini()
    assert run_grid(grid, tmp_path, (Slot(0, 1),))
    graph = prepare(grid, tmp_path)
    # One pretraining; two rows and none, two seeds, one column that trains.
    assert len(graph.phases) == 1 + 2 * (2 + 3)
    manifests = {
        node.title: read_json(node.phase.output / "manifest.json") for node in graph.phases
    }
    for title, manifest in manifests.items():
        roles = [phase["role"] for phase in manifest["lineage"]]
        assert roles[0] == "pretraining", title
        assert roles.count("pretraining") == 1
    heads = manifests["pretraining, seed 0"]["heads"]
    assert json.dumps(heads).count("mlm")

    records = collect_records(tmp_path)
    none = [r for r in records if r.intermediate == "none" and r.task == "tatoeba"]
    # The encoder is one for all seeds, and a row called none.
    assert {record.seed for record in none} == {None}
    assert {record.language for record in none} == {"de", "sw", "zh"}
    assert {r.seed for r in records if r.intermediate == "nli"} == {1, 2}
    # All layers were scored in one forward.
    layers = read_json(tmp_path / none[0].file)["layers"]
    assert len(layers["scores"]) == 3  # the embeddings and two layers

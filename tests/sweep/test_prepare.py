"""From a grid to its graph: what is read, kept, and refused."""

import dataclasses
from pathlib import Path

import pytest

import dstilts.sweep.prepare as sweep_prepare
from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.engine.phase import DataConfig, ScheduleConfig, TaskUse
from dstilts.sweep.grid import Grid, Intermediate, Target
from dstilts.sweep.prepare import prepare
from tests.tiny import tiny_encoder


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))


def nli(*sentences: str) -> str:
    row = '{{"gold_label": "neutral", "sentence1": "{0}", "sentence2": "so"}}\n'
    return "".join(row.format(sentence) for sentence in sentences)


def grid(folder: Path) -> Grid:
    files = {
        "snli/snli_1.0_train.jsonl": nli("It rains in Rome.", "The sun shines."),
        "mnli/multinli_1.0_train.jsonl": nli("Nobody came.", "It rains in Rome."),
        "xnli/dev-en.tsv": "it rains in rome.\tso\tneutral\nIt snows.\tso\tentailment\n",
        "tatoeba/v1/tatoeba.deu-eng.deu": "Es schneit.\n",
        "tatoeba/v1/tatoeba.deu-eng.eng": "It snows.\n",
    }
    for name, text in files.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Grid(
        name="leaky",
        encoder=str(tiny_encoder(folder / "encoder")),
        intermediates=(Intermediate("snli", (TaskUse("snli"),)),),
        targets=(Target("xnli", evaluate=("xnli",), tasks=(TaskUse("mnli"),)),),
        data=DataConfig("local", folder / "data"),
    )


def test_an_intermediate_task_that_has_seen_the_evaluation_set_is_refused(tmp_path: Path) -> None:
    # MNLI's own training set is cleared of what it is evaluated on; SNLI's is another task's.
    leaky = grid(tmp_path)
    message = "snli shares texts with xnli .dev, en.: 1 of 2 examples whole, 0 in part"
    with pytest.raises(UserError, match=message) as caught:
        prepare(leaky, tmp_path / "runs")
    assert "allow_leaks = true" in str(caught.value)
    assert not (tmp_path / "runs").exists()
    graph = prepare(dataclasses.replace(leaky, allow_leaks=True), tmp_path / "runs")
    assert len(graph.phases) == 3
    # What they share is kept for the report.
    (kept,) = (tmp_path / "runs" / "prepared").glob("*/leakage.json")
    (worst,) = [each for each in read_json(kept) if each["leaks"]]
    assert (worst["training"], worst["evaluation"], worst["exact"]) == ("snli", "xnli", 1)


def test_a_second_call_reads_no_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = dataclasses.replace(grid(tmp_path), allow_leaks=True)
    first = prepare(allowed, tmp_path / "runs")
    hotter = dataclasses.replace(allowed, schedule=ScheduleConfig(learning_rate=2e-5))
    monkeypatch.setattr(sweep_prepare, "_found_out", None)
    assert prepare(allowed, tmp_path / "runs") == first
    keys = {node.key for node in prepare(hotter, tmp_path / "runs").phases}
    assert not keys & {node.key for node in first.phases}


def test_what_leaks_elsewhere_does_not_matter(tmp_path: Path) -> None:
    leaky = grid(tmp_path)
    other = dataclasses.replace(leaky, targets=(Target("tatoeba", evaluate=("tatoeba",)),))
    assert len(prepare(other, tmp_path / "runs").phases) == 1

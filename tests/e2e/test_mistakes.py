"""What a user gets wrong, through the real command line: one line, exit code 2, nothing on disk."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny import tiny_encoder

PHASE = """
name = "x"
role = "target"
parent = "{encoder}"
output = "{folder}/out/model"
tasks = [{{ task = "mnli" }}]
[data]
source = "local"
folder = "{folder}/data"
[schedule]
steps = 1
[batch]
micro_batches = 1
max_length = 64
max_length_span = 96
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_encoder(tmp_path / "encoder")
    rows = [
        {"gold_label": label, "sentence1": f"The book is new {n}.", "sentence2": "The book."}
        for n in range(8)
        for label in ("neutral", "entailment", "contradiction")
    ]
    write(tmp_path, "data/mnli/multinli_1.0_train.jsonl", "\n".join(map(json.dumps, rows)))
    text = PHASE.format(encoder=tmp_path / "encoder", folder=tmp_path)
    write(tmp_path, "phase.toml", text)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def train(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dstilts", "train", "phase.toml", *words]
    environment = {**os.environ, "DSTILTS_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_phase_is_fine_as_it_stands(folder: Path) -> None:
    done = train(folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "out/model/manifest.json").is_file()


def remove_train_file(folder: Path) -> None:
    (folder / "data/mnli/multinli_1.0_train.jsonl").unlink()


def unknown_label(folder: Path) -> None:
    path = folder / "data/mnli/multinli_1.0_train.jsonl"
    path.write_text(path.read_text().replace('"neutral"', '"maybe"', 1))


def cut_off_json(folder: Path) -> None:
    path = folder / "data/mnli/multinli_1.0_train.jsonl"
    path.write_text(path.read_text()[:250])


def cut_off_squad(folder: Path) -> None:
    write(folder, "data/squad/train-v1.1.json", '{"data": [{"title": "a", "paragraphs": [')


def missing_column(folder: Path) -> None:
    write(folder, "data/qqp/train.tsv", "id\tquestion1\tis_duplicate\n1\ta\t0\n")


def decoder_for_encoder(folder: Path) -> None:
    write(folder, "encoder/config.json", '{"model_type": "gpt2"}')


def nothing(folder: Path) -> None:
    pass


MISTAKES: list[tuple[str, Callable[[Path], None], tuple[str, ...], str]] = [
    (
        "unknown task",
        nothing,
        ('tasks=[{task="mnl"}]',),
        "unknown task 'mnl'; did you mean 'mnli'?",
    ),
    ("unknown key", nothing, ("schedule.step=3",), "did you mean 'schedule.steps'?"),
    ("missing folder", nothing, ("data.folder=no/where",), "no/where: no such data folder"),
    (
        "no English split",
        remove_train_file,
        (),
        "data: no train split of mnli in English; looked for",
    ),
    (
        "unknown label",
        unknown_label,
        (),
        "train.jsonl:1: unknown label 'maybe'; known: contradiction",
    ),
    ("cut-off JSON line", cut_off_json, (), "train.jsonl:3: broken JSON"),
    (
        "cut-off JSON",
        cut_off_squad,
        ('tasks=[{task="squad_v1"}]',),
        "train-v1.1.json:1: broken JSON",
    ),
    (
        "missing column",
        missing_column,
        ('tasks=[{task="qqp"}]',),
        "qqp/train.tsv:1: column 'question2",
    ),
    ("no encoder", decoder_for_encoder, (), "'gpt2'"),
    ("no such encoder", nothing, ("parent=./none",), "no encoder folder './none'"),
]


@pytest.mark.parametrize(
    ("prepare", "words", "message"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_one_line_and_nothing_on_disk(
    folder: Path, prepare: Callable[[Path], None], words: tuple[str, ...], message: str
) -> None:
    prepare(folder)
    done = train(folder, *words)
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("dstilts")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in done.stderr
    assert not (folder / "out").exists()

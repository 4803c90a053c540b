"""Validation: every file is read, counted, named; a second run reads only what has changed."""

import csv
import os
import time
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks import validate as module
from dstilts.tasks.manifest import NAME, read_manifest
from dstilts.tasks.validate import validate
from dstilts.tasks.validate_report import (
    bad_lines,
    foreign_lines,
    split_lines,
    summary,
    unused_lines,
)
from dstilts.tasks.validate_units import Unit

PAIR = "a\tb\tneutral\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and an empty cache beside it."""
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def manifest(folder: Path, **examples: int) -> None:
    with (folder / NAME).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["dataset", "split", "language", "path", "examples"])
        for path, number in examples.items():
            writer.writerow(["d", "s", "l", path, number])


def test_each_file_of_a_task_is_counted_once(folder: Path) -> None:
    for code in ("de", "fr"):
        write(folder, f"xnli/dev-{code}.tsv", PAIR * 5)
    write(folder, "xnli/test-de.tsv", "a\tb\n" * 3)
    write(folder, "xnli/labels/test-de.tsv", PAIR * 3)
    write(folder, "tatoeba/v1/tatoeba.deu-eng.deu", "Ja\nNein\n")
    write(folder, "tatoeba/v1/tatoeba.deu-eng.eng", "Yes\nNo\n")
    write(folder, "tatoeba/v1/tatoeba.amh-eng.eng", "Yes\n")
    write(folder, "tatoeba/README.md", "read me")
    results = validate(folder, processes=1)
    assert list(split_lines(results)) == [
        "xnli           dev   5: de fr",
        "xnli           test  3: de",
        "tatoeba        test  2: de",
    ]
    assert list(unused_lines(results)) == [
        "xnli           test-de.tsv: another file stands for test",
        "tatoeba        tatoeba.amh-eng.eng: a language that neither XTREME nor XTREME-R evaluates",
    ]
    assert list(foreign_lines(results, folder)) == ["tatoeba: README.md"]
    assert summary(results, folder) == "7 files belong to a task"
    assert bad_lines(results, folder) == []


def test_the_first_bad_line_of_each_bad_file_is_named(folder: Path) -> None:
    write(folder, "xnli/dev-de.tsv", f"{PAIR}a\tb\tmaybe\na\tb\tperhaps\n")
    write(folder, "anli/anli_v1.0/R1/dev.jsonl", "{")
    write(folder, "anli/anli_v1.0/R3/dev.jsonl", "[]\n")
    write(folder, "tatoeba/v1/tatoeba.deu-eng.deu", "Ja\nNein\n")
    write(folder, "tatoeba/v1/tatoeba.deu-eng.eng", "Yes\n")
    results = validate(folder, processes=1)
    lines = [line.replace(f"{folder}/", "") for line in bad_lines(results, folder)]
    assert [line[:70] for line in lines] == [
        "anli/anli_v1.0/R1/dev.jsonl:1: broken JSON: Expecting property name en",
        "anli/anli_v1.0/R3/dev.jsonl:1: not a JSON object",
        "tatoeba/v1/tatoeba.deu-eng.deu: 2 lines for the 1 lines of tatoeba.deu",
        "xnli/dev-de.tsv:2: unknown label 'maybe'; known: contradiction, entail",
    ]
    assert list(split_lines(results)) == []


def test_files_whose_partners_are_missing_are_read_too(folder: Path) -> None:
    write(folder, "bucc2018/de-en.dev.gold", "de-1\ten-1\nde-2\n")
    results = validate(folder, processes=1)
    assert list(unused_lines(results)) == [
        "bucc2018       de-en.dev.gold: no set without bucc2018/de-en.dev.de (German)"
    ]
    assert "de-en.dev.gold:2: 1 columns where 2" in bad_lines(results, folder)[0]


def test_counts_are_those_of_the_manifest(folder: Path) -> None:
    write(folder, "xnli/dev-de.tsv", PAIR * 5)
    write(folder, "ntrex/a.txt", "x")
    manifest(folder, **{"xnli/dev-de.tsv": 5, "ntrex/a.txt": 7})
    results = validate(folder, processes=1)
    assert bad_lines(results, folder) == []
    assert list(foreign_lines(results, folder)) == ["ntrex: a.txt"]
    assert summary(results, folder).endswith(
        "of 2 rows of MANIFEST.csv 1 do, 1 of them with equal counts"
    )
    manifest(folder, **{"xnli/dev-de.tsv": 6, "xnli/dev-fr.tsv": 5})
    assert [line.partition(": ")[2] for line in bad_lines(results, folder)] == [
        "5 examples where line 2 of MANIFEST.csv says 6",
        "not there; MANIFEST.csv names it in line 3",
    ]


def test_own_splits_are_counted_together(folder: Path) -> None:
    rows = "".join(
        f'{{"premise": "p{n}", "choice1": "a", "choice2": "b", "question": "cause", '
        f'"idx": {n}, "label": 0}}\n'
        for n in range(9)
    )
    write(folder, "copa/train.jsonl", rows)
    write(folder, "mlm/de.txt", "\n".join(map(str, range(300))))
    results = validate(folder, processes=1)
    lines = list(split_lines(results))
    assert lines[0] == "copa           train 9 of 400: en"
    assert [line[:20] for line in lines[1:]] == ["mlm            train", "mlm            dev  "]
    ((_, checked),) = [(u, c) for u, c in results if u.task == "mlm"]
    assert checked.rows == {"mlm/de.txt": 300}
    assert sum(checked.sizes.values()) == 300


def test_only_what_has_changed_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "xnli/dev-de.tsv", PAIR)
    write(folder, "xnli/dev-fr.tsv", "a\tb\tmaybe\n")
    read: list[str] = []
    check = module.check

    def watched(unit: Unit, folder: Path) -> module.Checked:
        read.append(unit.language)
        return check(unit, folder)

    monkeypatch.setattr(module, "check", watched)
    first = validate(folder, processes=1)
    assert read == ["de", "fr"]
    assert validate(folder, processes=1) == first
    assert read == ["de", "fr"]
    write(folder, "xnli/dev-fr.tsv", PAIR)
    os.utime(folder / "xnli/dev-fr.tsv", ns=(1, 1))
    assert bad_lines(validate(folder, processes=1), folder) == []
    assert read == ["de", "fr", "fr"]
    (stored,) = (folder.parent / "cache/validate").iterdir()
    stored.write_text("{broken")
    validate(folder, processes=1)
    assert read == ["de", "fr", "fr", "de", "fr"]
    monkeypatch.setattr(module, "reader_version", lambda: "another")
    validate(folder, processes=1)
    assert len(read) == 7


def test_two_processes_find_the_same(folder: Path) -> None:
    for code in ("de", "fr", "en"):
        write(folder, f"xnli/dev-{code}.tsv", PAIR * 5)
    write(folder, "xnli/dev-zh.tsv", "a\n")
    one = validate(folder, processes=1)
    for stored in (folder.parent / "cache/validate").iterdir():
        stored.unlink()
    assert [checked for _, checked in validate(folder, processes=2)] == [c for _, c in one]


def test_a_folder_has_to_be_there(folder: Path) -> None:
    with pytest.raises(UserError, match="no such data folder"):
        validate(folder / "none")
    assert validate(folder) == []


@pytest.mark.data
def test_every_file_has_as_many_examples_as_the_manifest_says(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path))
    start = time.monotonic()
    results = validate(data_folder)
    assert time.monotonic() - start < 120
    assert bad_lines(results, data_folder) == []
    counted = {path for _, checked in results for path in checked.rows}
    left = {row.path for row in read_manifest(data_folder)} - counted
    # Nothing is skipped but what belongs to no task.
    assert {path.partition("/")[0] for path in left} == {"format_samples", "ntrex", "hellaswag"}
    start = time.monotonic()
    assert validate(data_folder) == results
    assert time.monotonic() - start < 10

"""The key of what a training set is made from: it changes with every file that matters."""

import gzip
import os
import time
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks import contents as module
from dstilts.tasks.contents import contents
from dstilts.tasks.local import LocalSource
from dstilts.tasks.open_source import open_source
from dstilts.tasks.transform.apply import TransformConfig
from dstilts.tasks.transform.code_switch import CodeSwitch
from dstilts.tasks.transform.few_shot import FewShot
from dstilts.tasks.transform.translations import Translations

PLAIN = TransformConfig()
NLI = '{"gold_label": "neutral", "sentence1": "It rains.", "sentence2": "It pours."}\n'
FILES = {
    "mnli/multinli_1.0_train.jsonl": NLI,
    "snli/snli_1.0_train.jsonl": NLI,
    "anli/anli_v1.0/R1/train.jsonl": "{}\n",
    "anli/anli_v1.0/R2/train.jsonl": "{}\n",
    "anli/anli_v1.0/R3/train.jsonl": "{}\n",
    "xnli/dev-de.tsv": "a\tb\tneutral\n",
    "socialiqa/socialiqa-train-dev/train.jsonl": "{}\n",
    "socialiqa/socialiqa-train-dev/train-labels.lst": "1\n",
    "pawsx/x-final/en/train.tsv": "x\n",
    "pawsx/x-final/de/dev_2k.tsv": "x\n",
    "translations/mnli/de.tsv": "x\n",
    "lexicons/en-de.txt": "house Haus\n",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "contents"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path / "data" / name, text)
    return tmp_path / "data"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds from now, when files are no longer new."""
    now = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(module.time, "time_ns", lambda: now)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("mnli", "mnli/multinli_1.0_train.jsonl"),
        ("mnli", "xnli/dev-de.tsv"),  # its texts are left out of training
        ("anli_plus", "snli/snli_1.0_train.jsonl"),
        ("anli_plus", "anli/anli_v1.0/R2/train.jsonl"),
        ("anli_plus", "xnli/dev-de.tsv"),
        ("socialiqa", "socialiqa/socialiqa-train-dev/train.jsonl"),
        (
            "socialiqa",
            "socialiqa/socialiqa-train-dev/train-labels.lst",
        ),  # which only the reader asks for
        ("pawsx", "pawsx/x-final/de/dev_2k.tsv"),
    ],
)
def test_it_changes_with_a_file(folder: Path, task: str, name: str) -> None:
    before = contents(LocalSource(folder), task, PLAIN)
    assert contents(LocalSource(folder), task, PLAIN) == before
    # The same size and time: it is the content that counts.
    state = (folder / name).stat()
    (folder / name).write_text(FILES[name][:-2] + "?\n")
    os.utime(folder / name, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert contents(LocalSource(folder), task, PLAIN) != before
    write(folder / name, FILES[name])
    assert contents(LocalSource(folder), task, PLAIN) == before
    (folder / name).unlink()
    assert contents(LocalSource(folder), task, PLAIN) != before


def test_what_does_not_matter(folder: Path) -> None:
    before = contents(LocalSource(folder), "mnli", PLAIN)
    write(folder / "snli/snli_1.0_train.jsonl", "other\n")
    write(folder / "translations/mnli/de.tsv", "other\n")
    os.utime(folder / "mnli/multinli_1.0_train.jsonl", (1, 1))
    assert contents(LocalSource(folder), "mnli", PLAIN) == before
    assert contents(LocalSource(folder.rename(folder.with_name("moved"))), "mnli", PLAIN) == before


def test_another_layout_of_the_same_files(folder: Path) -> None:
    # With its train file there, SNLI's dev file is its dev set; without it, mostly a training set.
    write(folder / "snli/snli_1.0_dev.jsonl", NLI)
    write(folder / "snli/snli_1.0_test.jsonl", NLI)
    before = contents(LocalSource(folder), "snli", PLAIN)
    (folder / "snli/snli_1.0_train.jsonl").rename(folder / "snli/other.jsonl")
    assert contents(LocalSource(folder), "snli", PLAIN) != before


def test_packed_files_count_by_their_bytes(folder: Path) -> None:
    before = contents(LocalSource(folder), "mnli", PLAIN)
    plain = folder / "mnli/multinli_1.0_train.jsonl"
    plain.with_name(plain.name + ".gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert contents(LocalSource(folder), "mnli", PLAIN) != before


@pytest.mark.parametrize(
    ("transform", "name"),
    [
        (TransformConfig(few_shot=FewShot("pawsx", ("de",), 1)), "pawsx/x-final/de/dev_2k.tsv"),
        (
            TransformConfig(translations=Translations(Path("translations"))),
            "translations/mnli/de.tsv",
        ),
        (
            TransformConfig(
                code_switch=CodeSwitch(("de",), lexicon="muse", folder=Path("lexicons"))
            ),
            "lexicons/en-de.txt",
        ),
    ],
)
def test_files_of_transformations(
    folder: Path, transform: TransformConfig, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = contents(LocalSource(folder), "mnli", transform)
    assert contents(LocalSource(folder), "mnli", transform) == before
    plain = contents(LocalSource(folder), "mnli", PLAIN)
    write(folder / name, "other\n")
    assert contents(LocalSource(folder), "mnli", transform) != before
    assert contents(LocalSource(folder), "mnli", PLAIN) == plain


def test_the_phrasebook_tells_its_edition() -> None:
    source = open_source("phrasebook")
    found = contents(source, "mnli", PLAIN)
    assert found == {"source": source.identity(), "transform": []}
    switched = TransformConfig(code_switch=CodeSwitch(("de",)))
    assert contents(source, "mnli", switched) != found


def test_the_hub_cannot_tell() -> None:
    assert contents(open_source("hub"), "mnli", PLAIN) is None


def test_an_unknown_task(folder: Path) -> None:
    with pytest.raises(UserError, match="'mnli'"):
        contents(LocalSource(folder), "mnlj", PLAIN)


def test_files_are_read_once(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch)
    found = contents(LocalSource(folder), "mnli", PLAIN)

    def never(path: Path) -> str:
        raise AssertionError(f"{path} is read again")

    monkeypatch.setattr(module, "file_digest", never)
    assert contents(LocalSource(folder), "mnli", PLAIN) == found
    # A file whose times or size differ is read again, even if the time of its content was put back.
    path = folder / "xnli/dev-de.tsv"
    state = path.stat()
    path.write_text(path.read_text().replace("a", "A"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(AssertionError, match="is read again"):
        contents(LocalSource(folder), "mnli", PLAIN)


def test_what_was_written_just_now_is_read_again(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within one tick of the clock a file can change and keep its size and times.
    contents(LocalSource(folder), "mnli", PLAIN)
    assert not cache.exists()
    later(monkeypatch)
    contents(LocalSource(folder), "mnli", PLAIN)
    assert len(list(cache.glob("*.json"))) == 1


def test_the_code_has_a_key_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one.py").write_text("a = 1\n")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "contents.py"))
    before = module.code_key.__wrapped__()
    (tmp_path / "sub" / "one.toml").write_text("a = 1\n")
    assert module.code_key.__wrapped__() == before
    (tmp_path / "sub" / "one.py").write_text("a = 2\n")
    assert module.code_key.__wrapped__() != before

"""The local source: which file stands for a split, own splits, what it says when none is there."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.local import LocalSource


def nli(count: int) -> str:
    rows = [
        {"gold_label": "neutral", "sentence1": f"premise {n // 3}", "sentence2": f"hypothesis {n}"}
        for n in range(count)
    ]
    return "\n".join(map(json.dumps, rows))


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_own_splits_share_no_premise_and_lose_nothing(tmp_path: Path) -> None:
    write(tmp_path, "mnli/multinli_1.0_train.subset.jsonl", nli(900))
    source = LocalSource(tmp_path)
    train, dev = (source.load("mnli", split, "en") for split in ("train", "dev"))
    assert len(train) + len(dev) == 900
    assert 0.05 < len(dev) / 900 < 0.15
    premises = [{example.text_a for example in split.examples} for split in (train, dev)]
    assert not premises[0] & premises[1]
    assert train.subset is not None
    assert train.subset.startswith("own split: 90 % of a subset of the published train file")
    assert source.load("mnli", "dev", "en").digest() == dev.digest()


def test_the_published_file_goes_first(tmp_path: Path) -> None:
    write(tmp_path, "mnli/multinli_1.0_train.subset.jsonl", nli(90))
    write(tmp_path, "mnli/multinli_1.0_train.jsonl", nli(6))
    source = LocalSource(tmp_path)
    train = source.load("mnli", "train", "en")
    assert (len(train), train.subset) == (6, None)
    # The own dev split would overlap with the published training file, so it is gone.
    assert source.languages("mnli", "dev") == ()


def test_ids_of_joined_files_are_unique(tmp_path: Path) -> None:
    for part in ("dev", "test"):
        write(tmp_path, f"snli/snli_1.0_{part}.jsonl", nli(90))
    source = LocalSource(tmp_path)
    ids = [e.id for s in ("train", "dev") for e in source.load("snli", s, "en").examples]
    assert len(set(ids)) == 180


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    source = LocalSource(tmp_path)
    with pytest.raises(
        UserError, match=r"no train split of udpos in English; looked for udpos/xtr"
    ):
        source.load("udpos", "train", "en")
    with pytest.raises(UserError, match="xnli has no split 'train'; it has: dev, test"):
        source.load("xnli", "train", "en")
    with pytest.raises(UserError, match="unknown task 'xnl'; did you mean 'xnli'"):
        source.load("xnl", "test", "en")
    assert source.tasks() == ()


def test_identity_follows_the_files(tmp_path: Path) -> None:
    source = LocalSource(tmp_path)
    before = source.identity()
    write(tmp_path, "xnli/dev-en.tsv", "a\tb\tneutral\n")
    assert source.identity() != before
    assert source.identity()["folder"] == tmp_path.name


@pytest.mark.data
def test_every_split_has_the_published_size(data_folder: Path) -> None:
    """Where the folder has the published files; its own subsets say so."""
    source = LocalSource(data_folder)
    assert set(source.tasks()) == set(TASKS)
    sizes = {}
    for name, spec in TASKS.items():
        for split in ("train", "dev", "test"):
            if "en" in source.languages(name, split):
                examples = source.load(name, split, "en")
                sizes[name, split] = (len(examples), examples.subset is None)
                if examples.subset is None:
                    assert len(examples) == spec.published_sizes[split], (name, split)
    assert sizes["udpos", "train"] == (21_253, True)
    assert sizes["xnli", "test"] == (5_010, True)
    assert sizes["xquad", "test"] == (1_190, True)
    assert not sizes["squad_v1", "train"][1]


@pytest.mark.data
def test_every_file_has_as_many_examples_as_its_manifest_says(data_folder: Path) -> None:
    with (data_folder / "MANIFEST.csv").open(encoding="utf-8") as manifest:
        listed = {row["path"]: row["examples"] for row in csv.DictReader(manifest)}
    source = LocalSource(data_folder)
    read: Counter[tuple[str, ...]] = Counter()
    languages: dict[str, int] = {}
    for name, spec in TASKS.items():
        languages[name] = len(source.languages(name, spec.eval_split))
        for split in ("train", "dev", "test"):
            for language in source.languages(name, split):
                examples = source.load(name, split, language)
                ids = [example.id for example in examples.examples]
                assert len(set(ids)) == len(ids)
                read[examples.files] += len(examples)  # the two own splits of a file add up to it
    assert {files: sum(int(listed[file]) for file in files) for files in read} == read
    assert languages["udpos"] == len(TASKS["udpos"].languages) == 38
    assert {name: languages[name] for name in ("xnli", "pawsx", "xquad", "tydiqa", "tatoeba")} == {
        "xnli": 15,
        "pawsx": 7,
        "xquad": 12,
        "tydiqa": 9,
        "tatoeba": 41,
    }


@pytest.mark.data
@pytest.mark.parametrize("name", ["xnli", "pawsx", "xquad"])
def test_parallel_languages_have_the_same_ids_in_the_same_order(
    data_folder: Path, name: str
) -> None:
    """So a subset by position is the same items in every language."""
    source = LocalSource(data_folder)
    ids = {
        tuple(example.id for example in source.load(name, "test", language).examples)
        for language in source.languages(name, "test")
    }
    assert len(ids) == 1

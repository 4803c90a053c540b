"""The local source: which file stands for a split, own splits, what it says when none is there."""

import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.leakage import overlap, training_set
from dstilts.tasks.local import LocalSource
from dstilts.tasks.open_source import open_source


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
    with pytest.raises(UserError, match="no such data folder"):
        open_source("local", tmp_path / "none")
    source = open_source("local", tmp_path)
    with pytest.raises(
        UserError, match=r"no train split of udpos in English; looked for udpos/xtr"
    ):
        source.load("udpos", "train", "en")
    with pytest.raises(UserError, match="xnli has no split 'train'; it has: dev, test"):
        source.load("xnli", "train", "en")
    with pytest.raises(UserError, match="did you mean 'phrasebook'"):
        open_source("phrasebok")
    assert source.tasks() == ()


def test_identity_follows_the_files(tmp_path: Path) -> None:
    source = LocalSource(tmp_path)
    before = source.identity()
    write(tmp_path, "xnli/dev-en.tsv", "a\tb\tneutral\n")
    assert source.identity() != before
    assert source.identity()["folder"] == tmp_path.name


def test_training_leaves_out_what_is_evaluated(tmp_path: Path) -> None:
    write(tmp_path, "udpos/xtreme/train-en.tsv", "Hi\tINTJ\n\nGo\tVERB\non\tADV\n")
    write(tmp_path, "udpos/xtreme/test-de.tsv", "hi\tINTJ\n")
    source = LocalSource(tmp_path)
    training = training_set(source, "udpos")
    assert [example.words for example in training.examples] == [("Go", "on")]
    assert training.subset == "less 1 that stand in an evaluation set"
    assert overlap(source.load("udpos", "train", "en"), source.load("udpos", "test", "de"))


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
def test_every_evaluation_language_reads(data_folder: Path) -> None:
    source = LocalSource(data_folder)
    languages = {
        name: source.languages(name, TASKS[name].eval_split)
        for name in ("xnli", "udpos", "xquad", "tydiqa", "tatoeba", "pawsx")
    }
    assert {name: len(found) for name, found in languages.items()} == {
        "xnli": 15,
        "udpos": 38,
        "xquad": 12,
        "tydiqa": 9,
        "tatoeba": 41,
        "pawsx": 7,
    }
    for name, found in languages.items():
        for language in found:
            examples = source.load(name, TASKS[name].eval_split, language)
            ids = [example.id for example in examples.examples]
            assert len(set(ids)) == len(ids) > 0


@pytest.mark.data
def test_training_sets_share_nothing_with_what_they_are_evaluated_on(data_folder: Path) -> None:
    source = LocalSource(data_folder)
    for name in ("mnli", "squad_v1", "tydiqa", "udpos"):
        training = training_set(source, name)
        for spec in TASKS.values():
            if name in (spec.name, spec.train_task):
                for language in source.languages(spec.name, spec.eval_split):
                    evaluated = source.load(spec.name, spec.eval_split, language)
                    assert overlap(training, evaluated) == []

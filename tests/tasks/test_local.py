"""The local source: which file stands for a split, own splits, what it says when none is there."""

import gzip
import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.examples import PairExample, SentenceExample, TextExample
from dstilts.tasks.local import LocalSource
from dstilts.tasks.validate import size_of


def nli(count: int) -> str:
    rows = [
        {"gold_label": "neutral", "sentence1": f"premise {n // 3}", "sentence2": f"hypothesis {n}"}
        for n in range(count)
    ]
    return "\n".join(map(json.dumps, rows))


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


def test_own_splits_share_no_premise_and_lose_nothing(tmp_path: Path) -> None:
    write(tmp_path, "mnli/multinli_1.0_train.subset.jsonl", nli(900))
    source = LocalSource(tmp_path)
    train, dev = (source.load("mnli", split, "en") for split in ("train", "dev"))
    assert len(train) + len(dev) == 900
    assert 0.05 < len(dev) / 900 < 0.15
    premises = [
        {e.text_a for e in split.examples if isinstance(e, PairExample)} for split in (train, dev)
    ]
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
    # The published test file trains here, so it is no test split.
    assert source.languages("snli", "test") == ()
    write(tmp_path, "snli/snli_1.0_train.jsonl", nli(9))
    assert [len(source.load("snli", s, "en")) for s in ("train", "dev", "test")] == [9, 90, 90]


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
    with pytest.raises(UserError, match="anli_plus has no files; read anli, mnli, snli"):
        source.load("anli_plus", "train", "en")
    assert source.tasks() == ()


def test_identity_follows_the_files_that_belong_to_tasks(tmp_path: Path) -> None:
    source = LocalSource(tmp_path)
    before = source.identity()
    write(tmp_path, "xnli/dev-en.tsv", "a\tb\tneutral\n")
    with_file = source.identity()
    assert with_file != before
    assert with_file["folder"] == tmp_path.name
    write(tmp_path, "xnli/README.md", "unread")
    write(tmp_path, "notes/dev-en.tsv", "unread")
    assert source.identity() == with_file
    write(tmp_path, "xnli/dev-en.tsv", "a\tb\tneutral\nc\td\tneutral\n")
    assert source.identity() != with_file


def test_files_as_xtreme_downloads_them(tmp_path: Path) -> None:
    write(tmp_path, "download/xnli/train-en.tsv", 'a\t"b ""c"""\tneutral\r\n')
    write(tmp_path, "download/xnli/test-en.tsv", "a\tb\r\n")
    write(tmp_path, "download/panx/test-de.tsv.gz", "Rom\n\nBonn\n")
    write(tmp_path, "download/tatoeba/de-en.de", "Ja\nNein\n")
    write(tmp_path, "download/tatoeba/de-en.en", "No\nYes\n")
    source = LocalSource(tmp_path)
    assert source.tasks() == ("mnli", "xnli", "panx", "tatoeba")
    (pair,) = source.load("mnli", "train", "en").examples
    assert pair == PairExample("1", "a", 'b "c"', "neutral")
    assert source.load("xnli", "test", "en").subset == "published without labels"
    assert source.load("panx", "test", "de").subset == "published without labels"
    parallel = source.load("tatoeba", "test", "de")
    assert parallel.subset == "the English side is sorted, what matches is not known"
    assert parallel.files == ("download/tatoeba/de-en.de", "download/tatoeba/de-en.en")


def test_tydiqa_trains_on_english_whatever_the_file_holds(tmp_path: Path) -> None:
    questions = [
        {"id": name, "question": "?", "answers": [{"text": "c", "answer_start": 0}]}
        for name in ("english-1-0", "finnish-2-0", "english-3-0")
    ]
    content = {"data": [{"paragraphs": [{"context": "c", "qas": questions}]}]}
    name = "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json"
    for path in (f"download/{name}", "tydiqa/tydiqa-goldp-v1.1-train.json", name):
        write(tmp_path, path, json.dumps(content))
        train = LocalSource(tmp_path).load("tydiqa", "train", "en")
        assert [e.id for e in train.examples] == ["english-1-0#1", "english-3-0#3"]
        assert train.files == (path,)
        (tmp_path / path).unlink()


def test_raw_text_trains_in_every_language(tmp_path: Path) -> None:
    texts = [f"Satz {number}" for number in range(500)]
    write(tmp_path, "mlm/a/de.txt", "\n".join(texts))
    write(tmp_path, "mlm/b/de-AT.txt.gz", "\n".join([*texts[:5], "", "Servus"]))
    write(tmp_path, "mlm/udhr/kin.txt", "of no language here")
    write(tmp_path, "mlm/udhr/cmn_hans.txt", "\n".join(map(str, range(500))))
    source = LocalSource(tmp_path)
    assert source.languages("mlm", "train") == source.languages("mlm", "dev") == ("de", "zh")
    train, dev = (source.load("mlm", split, "de") for split in ("train", "dev"))
    both = [e.text for e in (*train.examples, *dev.examples) if isinstance(e, TextExample)]
    assert sorted(both) == sorted([*texts, "Servus"])
    assert 1 <= len(dev) <= 25
    assert len({e.id for e in (*train.examples, *dev.examples)}) == 501


def bucc(folder: Path, stem: str, gold: bool) -> None:
    write(folder, f"{stem}.de", "de-1\tJa\nde-2\tNein\n")
    write(folder, f"{stem}.en", "en-1\tYes\n")
    if gold:
        write(folder, f"{stem}.gold", "de-1\ten-1\n")


def test_a_mining_test_set_brings_its_dev_set(tmp_path: Path) -> None:
    bucc(tmp_path, "bucc2018/de-en/de-en.training", gold=False)
    source = LocalSource(tmp_path)
    test = source.load("bucc2018", "test", "de")
    assert (len(test), test.calibration, test.subset) == (3, (), "no gold pairs")
    bucc(tmp_path, "bucc2018/de-en/de-en.sample", gold=True)
    bucc(tmp_path, "bucc2018/de-en/de-en.training", gold=True)
    test = source.load("bucc2018", "test", "de")
    assert test.calibration == source.load("bucc2018", "dev", "de").examples
    assert test.subset is None


@pytest.mark.data
def test_every_split_has_the_published_size(data_folder: Path) -> None:
    """Where the folder has the published files; its own subsets say so."""
    source = LocalSource(data_folder)
    # CCGbank is not free, Mewsli-X was not to be had.
    absent = {name for name, spec in TASKS.items() if spec.parts} | {"ccg", "mewslix"}
    assert set(source.tasks()) == set(TASKS) - absent
    sizes = {}
    for name, spec in TASKS.items():
        for split in ("train", "dev", "test"):
            if "en" in source.languages(name, split) and spec.kind != "mlm":
                examples = source.load(name, split, "en")
                sizes[name, split] = (size_of(examples.examples), examples.subset is None)
                if examples.subset is None:
                    assert size_of(examples.examples) == spec.published_sizes[split], (name, split)
    assert sizes["udpos", "train"] == (21_253, True)
    assert sizes["xnli", "test"] == (5_010, True)
    assert sizes["xquad", "test"] == (1_190, True)
    assert not sizes["squad_v1", "train"][1]


@pytest.mark.data
def test_as_many_languages_as_there_are(data_folder: Path) -> None:
    source = LocalSource(data_folder)
    found = {name: len(source.languages(name, spec.eval_split)) for name, spec in TASKS.items()}
    assert found["udpos"] == len(TASKS["udpos"].languages) == 38
    names = "xnli pawsx xcopa xquad tydiqa tatoeba lareqa ccg_pmb panx".split()
    assert [found[name] for name in names] == [15, 7, 11, 12, 9, 41, 11, 4, 5]
    assert [len(source.languages(name, "dev")) for name in ("panx", "mlqa", "bucc2018")] == [
        47,
        7,
        1,
    ]
    assert len(source.languages("mlm", "train")) == 50


@pytest.mark.data
def test_the_pool_of_lareqa(data_folder: Path) -> None:
    """13,090 questions and 13,014 candidates, the same objects in every language's set."""
    source = LocalSource(data_folder)
    questions = 0
    pools = []
    for language in source.languages("lareqa", "test"):
        found = source.load("lareqa", "test", language).examples
        examples = [e for e in found if isinstance(e, SentenceExample)]
        asked = [e for e in examples if e.side == "source"]
        questions += len(asked)
        pools.append([e for e in examples if e.side == "target"])
        assert {len(question.matches) for question in asked} == {11}
    assert (questions, len(pools[0]), len({e.id for e in pools[0]})) == (13_090, 13_014, 13_014)
    assert all(one is two for pool in pools for one, two in zip(pools[0], pool, strict=True))


@pytest.mark.data
def test_no_own_training_set_has_a_paragraph_of_xquad(data_folder: Path) -> None:
    source = LocalSource(data_folder)
    paragraphs = {e.context for e in source.load("xquad", "test", "en").examples}  # type: ignore[union-attr]
    for name in ("squad_v1", "squad_v2", "lareqa"):
        train = source.load(name, "train", "en").examples
        assert not paragraphs & {e.context for e in train}, name  # type: ignore[union-attr]


@pytest.mark.data
@pytest.mark.parametrize("name", ["xnli", "pawsx", "xquad", "xcopa"])
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

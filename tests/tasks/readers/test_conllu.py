"""CoNLL-U: multi-word tokens get XTREME's tags, what is no word is left out, defects are named."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.readers.conllu import read_conllu
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.tagging import read_tagging_tsv

POS = task("udpos")

Row = tuple[str, str, str, str]  # number, word, tag, head


def write(tmp_path: Path, rows: list[Row], name: str = "de_x-ud-test.conllu") -> Path:
    path = tmp_path / name
    lines = [f"{n}\t{word}\t_\t{tag}\t_\t_\t{head}\t_\t_\t_" for n, word, tag, head in rows]
    path.write_text("# text\n" + "\n".join(lines))
    return path


def test_what_is_no_word_is_left_out(tmp_path: Path) -> None:
    rows = [
        ("1", "می\u200cشود", "VERB", "0"),
        ("1.1", "leer", "VERB", "_"),
        ("2", "5 000", "NUM", "1"),
    ]
    (example,) = read_conllu(write(tmp_path, rows), POS)
    assert example.id == "de_x-ud-test-1"
    assert example.words == ("میشود", "5000")
    assert example.tags == ("VERB", "NUM")


def test_a_multi_word_token_has_the_tag_of_its_highest_part(tmp_path: Path) -> None:
    rows = [
        ("1-2", "zum", "_", "_"),
        ("1", "zu", "ADP", "3"),
        ("2", "dem", "DET", "3"),
        ("3", "Haus", "NOUN", "0"),
        ("4-5", "im", "_", "_"),
        ("4", "in", "ADP", "5"),
        ("5", "dem", "DET", "3"),
    ]
    (example,) = read_conllu(write(tmp_path, rows), POS)
    assert example.words == ("zum", "Haus", "im")
    # Equally high: the order of tags decides; else the tree.
    assert example.tags == ("ADP", "NOUN", "DET")


def test_the_order_of_tags_depends_on_the_language(tmp_path: Path) -> None:
    rows = [
        ("1", "vale", "VERB", "0"),
        ("2-3", "haberse", "_", "_"),
        ("2", "haber", "AUX", "1"),
        ("3", "se", "PRON", "1"),
    ]
    tags = [
        read_conllu(write(tmp_path, rows, f"{code}_x.conllu"), POS)[0].tags for code in ("es", "pt")
    ]
    assert tags == [("VERB", "AUX"), ("VERB", "PRON")]


def test_sentences_without_their_words_are_left_out(tmp_path: Path) -> None:
    hidden = [(str(n), "_", "NOUN", "0") for n in range(1, 5)]
    assert read_conllu(write(tmp_path, hidden), POS) == []
    shown = [("1", "ein", "DET", "0"), ("2", "_", "SYM", "1"), ("3", "Wort", "NOUN", "1")]
    assert len(read_conllu(write(tmp_path, shown), POS)) == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("x", "Rom", "PROPN", "0")], r":2: 'x' is no number of a word"),
        ([("1-y", "Rom", "PROPN", "0")], r":2: '1-y' is no number of a word"),
        ([("1", "Rom", "NAME", "0")], r":2: unknown label 'NAME'; known: ADJ, ADP"),
        ([("1", "\u200c", "X", "0")], r":2: an empty word"),
        ([("1-2", "im", "_", "_"), ("1", "in", "ADP", "0")], r":2: word 2 of the token 'im' is mi"),
        (
            [("1-2", "im", "_", "_"), ("1", "in", "ADP", "2"), ("2", "dem", "DET", "1")],
            r":3: the heads do not lead to a root",
        ),
        ([("1-1", "im", "_", "_")], r":2: '1-1' is no number of a word"),
    ],
)
def test_defects_are_named(tmp_path: Path, rows: list[Row], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_conllu(write(tmp_path, rows), POS)


def test_a_line_has_ten_columns(tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_text("1\tRom\n")
    with pytest.raises(UserError, match="bad:1: 2 columns where 10 are expected"):
        read_conllu(path, POS)


@pytest.mark.data
@pytest.mark.parametrize("language", ["en", "es", "fi", "fr", "it", "pt", "tr"])
def test_same_tags_as_the_published_files(data_folder: Path, language: str) -> None:
    """The treebanks' own files give the sentences that XTREME published, where it has them."""
    published = defaultdict(set)
    for example in read_tagging_tsv(data_folder / f"udpos/xtreme/test-{language}.tsv.gz", POS):
        published[example.words].add(example.tags)
    fused = set()
    for path in (data_folder / "udpos/r2.5").glob(f"*/{language}_*-ud-test.conllu*"):
        forms = {line.split("\t")[1] for _, line in read_lines(path) if re.match("[0-9]+-", line)}
        for example in read_conllu(path, POS):
            if example.words in published:
                assert example.tags in published[example.words], example
                fused |= forms.intersection(example.words)
    assert fused

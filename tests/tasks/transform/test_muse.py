"""Lexicons in MUSE's files: what is read, which file is found, and what is wrong with a line."""

import gzip
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.transform.lexicon import open_lexicon
from dstilts.tasks.transform.muse import read_muse


def test_words_and_translations(tmp_path: Path) -> None:
    text = "the der\nThe die\nthe der\ncat\tKatze\nzoo\tTier park\tx\nberlin Berlin\n"
    (tmp_path / "en-de.txt").write_text(text, encoding="utf-8")
    lexicon = read_muse(tmp_path, "de")
    assert lexicon.entries == {"the": ("der", "die"), "cat": ("Katze",), "zoo": ("Tier park",)}
    assert lexicon.of_single_words().entries == {"the": ("der", "die"), "cat": ("Katze",)}
    assert open_lexicon("muse", tmp_path, "de") == lexicon


def test_the_part_that_muse_trains_on_and_gz(tmp_path: Path) -> None:
    (tmp_path / "en-fi.0-5000.txt.gz").write_bytes(gzip.compress(b"dog koira\n"))
    assert read_muse(tmp_path, "fi").entries == {"dog": ("koira",)}
    (tmp_path / "en-fi.txt").write_text("dog hauva\n")
    assert read_muse(tmp_path, "fi").entries == {"dog": ("hauva",)}


@pytest.mark.parametrize("line", ["cat", "cat\t", "\tKatze", "a b c", ""])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "en-de.txt"
    path.write_text(f"dog Hund\n{line}\n")
    with pytest.raises(UserError, match="is not a word and its translation") as caught:
        read_muse(tmp_path, "de")
    assert (caught.value.file, caught.value.line) == (str(path), 2)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"looked for en-de\.txt and en-de\.0-5000\.txt"):
        read_muse(tmp_path, "de")
    (tmp_path / "en-de.txt").write_text("berlin Berlin\n")
    with pytest.raises(UserError, match="no word differs from its translation"):
        read_muse(tmp_path, "de")

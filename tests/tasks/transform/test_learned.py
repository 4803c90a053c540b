"""Lexicons learned from parallel files: which files are found, and what is reliable."""

import gzip
import itertools
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.transform.learned import learned_lexicon
from dstilts.tasks.transform.parallel_files import parallel_lines

WORDS = {"cat": "Katze", "dog": "Hund", "bird": "Vogel", "sees": "sieht", "hears": "hört"}


def sentences() -> tuple[str, str]:
    """The lines of both sides, every second one of them with a word before it."""
    animals, verbs = ("cat", "dog", "bird"), ("sees", "hears")
    german = {**WORDS, "the": "das", "there": "Dort"}
    pairs = []
    for number, (one, verb, other) in enumerate(itertools.product(animals, verbs, animals)):
        line = ["there"] * (number % 2) + ["the", one, verb, "the", other]
        pairs.append((" ".join(line), f"„{' '.join(german[word] for word in line)}“!"))
    return "\n".join(e for e, _ in pairs) + "\n", "\n".join(d for _, d in pairs) + "\n"


def test_translations_are_learned(tmp_path: Path) -> None:
    english, german = sentences()
    (tmp_path / "a.de-en.en").write_text(english)
    (tmp_path / "a.de-en.de").write_text(german)
    lexicon = learned_lexicon(tmp_path, "de")
    assert {word: lexicon.entries.get(word) for word in WORDS} == {
        word: (text,) for word, text in WORDS.items()
    }
    assert lexicon.entries["the"] == ("das",)
    # Written with a capital only where a line begins.
    assert lexicon.entries["there"] == ("dort",)


def test_rare_pairs_are_left_out(tmp_path: Path) -> None:
    english, german = sentences()
    (tmp_path / "a.de-en.en").write_text(english + "The moon.\nThe moon.\n")
    (tmp_path / "a.de-en.de").write_text(german + "das Mond!\ndas Mond!\n")
    lexicon = learned_lexicon(tmp_path, "de")
    assert "moon" not in lexicon.entries
    assert "cat" in lexicon.entries


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("newstest2019-src.eng.txt.gz", "newstest2019-ref.deu.txt.gz"),
        ("tatoeba.deu-eng.eng", "tatoeba.deu-eng.deu"),
        ("some.name.en-de.en", "some.name.en-de.de.gz"),
    ],
)
def test_files_that_are_found(tmp_path: Path, english: str, german: str) -> None:
    folder = tmp_path / "below" / "it"
    folder.mkdir(parents=True)
    for name, text in ((english, "one\n\ntwo\n"), (german, "eins\nleer\nzwei\n")):
        raw = text.encode()
        (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    (folder / "newstest2019-ref.fin.txt").write_text("yksi\n")
    assert list(parallel_lines(tmp_path, "de")) == [("one", "eins"), ("two", "zwei")]


def test_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no parallel files of English and German"):
        learned_lexicon(tmp_path, "de")
    with pytest.raises(UserError, match="no such folder"):
        learned_lexicon(tmp_path / "none", "de")
    with pytest.raises(UserError, match="unknown language 'dd'"):
        learned_lexicon(tmp_path, "dd")
    with pytest.raises(UserError, match="no spaces part its words"):
        learned_lexicon(tmp_path, "th")
    (tmp_path / "a.de-en.en").write_text("one\n")
    (tmp_path / "a.de-en.de").write_text("eins\nzwei\n")
    with pytest.raises(UserError, match=r"2 lines for the 1 lines of a\.de-en\.en"):
        learned_lexicon(tmp_path, "de")
    (tmp_path / "a.de-en.de").write_text("eins\n")
    with pytest.raises(UserError, match="no reliable translation into 'de'"):
        learned_lexicon(tmp_path, "de")


@pytest.mark.data
def test_real_news(data_folder: Path) -> None:
    lexicon = learned_lexicon(data_folder / "ntrex", "de")
    assert len(lexicon) > 500
    known = {"day": "Tag", "never": "nie", "if": "wenn", "police": "Polizei", "six": "sechs"}
    assert {word: lexicon.entries[word] for word in known} == {
        word: (text,) for word, text in known.items()
    }

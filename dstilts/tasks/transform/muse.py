"""Bilingual lexicons in the files of MUSE: an English word and a translation on each line."""

from collections import defaultdict
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.transform.lexicon import Lexicon, collected
from dstilts.tasks.transform.words import normal

# The whole lexicon, else the part that MUSE trains on.
_NAMES = ("en-{language}.txt", "en-{language}.0-5000.txt")


def read_muse(folder: Path, language: str) -> Lexicon:
    """The lexicon of `en-de.txt` or else `en-de.0-5000.txt`, plain or .gz.

    A line is a word, a tab or spaces, and a translation; a word of several translations stands on
    several lines. With a tab, the translation may have several words.

    Raises:
        UserError: there is no such file, or a line has no translation; see `read_lines`.
    """
    path = _find(folder, language)
    pairs: dict[str, list[str]] = defaultdict(list)
    for line, text in read_lines(path):
        word, translation = _split(text)
        if not word or not translation:
            problem = f"{text!r:.80} is not a word and its translation"
            raise UserError(problem, file=path, line=line)
        pairs[normal(word)].append(translation)
    lexicon = collected(language, pairs)
    if not lexicon.entries:
        raise UserError("no word differs from its translation", file=path)
    return lexicon


def _split(text: str) -> tuple[str, str]:
    if "\t" in text:
        word, _, translation = text.partition("\t")
        # Some copies have columns beside the two.
        return word.strip(), " ".join(translation.partition("\t")[0].split())
    fields = text.split()
    return (fields[0], fields[1]) if len(fields) == 2 else ("", "")


def _find(folder: Path, language: str) -> Path:
    names = [name.format(language=language) for name in _NAMES]
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    remedy = f"looked for {' and '.join(names)} (plain or .gz)"
    raise UserError(f"no lexicon from English to {language!r}", file=folder, remedy=remedy)

"""Finding line-aligned files of English and another language below a folder."""

import re
from collections.abc import Iterator
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.registry import unknown
from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.readers.files import read_lines

# Names of languages in parallel files beside the ISO 639-3 code of the catalog.
_OTHER_CODES = {
    "ar": ("arb",),
    "az": ("aze-Latn",),
    "fa": ("fas",),
    "ms": ("msa",),
    "sw": ("swa",),
    "tl": ("fil",),
    "zh": ("zho-CN",),
}


def parallel_lines(folder: Path, language: str) -> Iterator[tuple[str, str]]:
    """English lines and their translations of all files that are found, in the order of paths.

    Looked for below the folder, plain or .gz: NTREX's `newstest2019-ref.deu.txt` beside
    `newstest2019-src.eng.txt`, Tatoeba's `tatoeba.deu-eng.deu` beside `tatoeba.deu-eng.eng`, and
    OPUS's `NAME.de-en.de` beside `NAME.de-en.en` (or `NAME.en-de.de`). Lines of which one side is
    empty are left out.

    Raises:
        UserError: no such language or file, or two files of different lengths.
    """
    if language not in LANGUAGES:
        raise unknown("language", language, LANGUAGES)
    if not folder.is_dir():
        raise UserError("no such folder of parallel files", file=folder)
    found = list(_find(folder, language))
    if not found:
        raise UserError(
            f"no parallel files of English and {LANGUAGES[language].name}",
            file=folder,
            remedy=f"looked for NAME.{language}-en.{language} beside NAME.{language}-en.en, "
            "and for the files of NTREX and Tatoeba",
        )
    for english, other in found:
        lines = [[text for _, text in read_lines(path)] for path in (english, other)]
        if len(lines[0]) != len(lines[1]):
            problem = f"{len(lines[1])} lines for the {len(lines[0])} lines of {english.name}"
            raise UserError(problem, file=other)
        yield from (pair for pair in zip(*lines, strict=True) if all(map(str.strip, pair)))


def _find(folder: Path, language: str) -> Iterator[tuple[Path, Path]]:
    codes = "|".join((LANGUAGES[language].iso3, *_OTHER_CODES.get(language, ())))
    name = re.compile(
        rf"(?P<ntrex>newstest\d+-)ref\.(?:{codes})\.txt"
        rf"|(?P<tatoeba>tatoeba\.({codes})-eng\.)\3"
        rf"|(?P<opus>.+\.(?:{language}-en|en-{language})\.){language}"
    )
    for path in sorted(folder.rglob("*")):
        match = name.fullmatch(path.name.removesuffix(".gz"))
        if not match:
            continue
        if match["ntrex"]:
            beside = f"{match['ntrex']}src.eng.txt"
        elif match["tatoeba"]:
            beside = f"{match['tatoeba']}eng"
        else:
            beside = f"{match['opus']}en"
        english = next(
            (
                file
                for file in (path.with_name(beside), path.with_name(beside + ".gz"))
                if file.is_file()
            ),
            None,
        )
        if english is not None:
            yield english, path

"""The placeholders in the names of files: what each data set calls a language."""

from dstilts.tasks.languages import LANGUAGES

# Where `iso3` is a macrolanguage: the language of the Universal Declaration of Human Rights.
_INDIVIDUAL = {"ar": "arb", "az": "azj", "ms": "mly", "qu": "quz"}

_UD_NAMES = {"zh": "Chinese"}
_BIBLE_NAMES = {"qu": "Quichua", "uk": "Ukranian"}  # as its files spell them


def filled(pattern: str, language: str) -> str:
    """A pattern with the placeholders filled for a language.

    `{lang}` is the XTREME code, `{iso3}` Tatoeba's, `{single}` the ISO 639-3 code of a language
    where Tatoeba has a macrolanguage's, `{ud}` the name of UD's treebanks, `{bible}` of the
    parallel Bible corpus, `{lower}` the name in small letters.
    """
    row = LANGUAGES[language]
    return pattern.format(
        lang=language,
        iso3=row.iso3,
        single=_INDIVIDUAL.get(language, row.iso3),
        ud=_UD_NAMES.get(language, row.name).replace(" ", "_"),
        bible=_BIBLE_NAMES.get(language, row.name),
        lower=row.name.lower(),
    )

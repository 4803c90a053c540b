"""Tagging: XTREME's two-column TSV and Universal Dependencies' CoNLL-U."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.readers.files import read_lines, unknown_label, wrong_fields

Token = tuple[str, str]

# Which part's tag a multi-word token gets: the order of the conversion that XTREME's preprocessing
# uses ("du" = ADP + DET is ADP). Checked on the published French, Italian and German files.
_FUSED_TAG_ORDER = (
    "VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT SYM".split()
)


def read_tagging_tsv(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """`word<TAB>tag` lines, sentences apart by an empty line. Ids are sentence numbers.

    Raises:
        UserError: see `read_lines`; another number of columns, an unknown tag, an empty word.
    """
    return list(_sentences(_tsv_tokens(path, spec), path))


def read_conllu(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """CoNLL-U as XTREME prepares it: multi-word tokens fused, empty nodes and U+200C left out.

    Raises:
        UserError: see `read_lines`; a line without ten columns, an unknown tag.
    """
    return list(_sentences(_conllu_tokens(path, spec), path))


def _sentences(tokens: Iterator[Token | None], path: Path) -> Iterator[TaggingExample]:
    """Sentences of tokens; None ends one."""
    words: list[str] = []
    tags: list[str] = []
    number = 0
    for token in (*tokens, None):
        if token is not None:
            words.append(token[0])
            tags.append(token[1])
        elif words:
            number += 1
            yield TaggingExample(
                f"{path.name.partition('.')[0]}-{number}", tuple(words), tuple(tags)
            )
            words, tags = [], []


def _tsv_tokens(path: Path, spec: TaskSpec) -> Iterator[Token | None]:
    for line, text in read_lines(path):
        if not text.strip():
            yield None
            continue
        fields = text.split("\t")
        if len(fields) != 2:
            raise wrong_fields(path, line, 2, len(fields))
        _check(fields[0], fields[1], spec.labels, path, line)
        yield fields[0], fields[1]


def _conllu_tokens(path: Path, spec: TaskSpec) -> Iterator[Token | None]:
    fused: str | None = None
    last, parts = 0, list[str]()
    for line, text in read_lines(path):
        if text.startswith("#"):
            continue
        if not text.strip():
            yield None
            continue
        fields = text.split("\t")
        if len(fields) != 10:
            raise wrong_fields(path, line, 10, len(fields))
        name, word, tag = fields[0], fields[1].replace("\u200c", ""), fields[3]
        if "." in name:  # an empty node: no word of the sentence
            continue
        if "-" in name:
            fused, last, parts = word, int(name.partition("-")[2]), []
            continue
        _check(word, tag, spec.labels, path, line)
        if fused is None:
            yield word, tag
            continue
        parts.append(tag)
        if int(name) == last:
            yield fused, min(parts, key=_FUSED_TAG_ORDER.index)
            fused = None


def _check(word: str, tag: str, known: Sequence[str], path: Path, line: int) -> None:
    if not word:
        raise UserError("an empty word", file=path, line=line)
    if tag not in known:
        raise unknown_label(tag, known, path, line)

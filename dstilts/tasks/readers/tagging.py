"""Tagging: XTREME's two-column TSV, and what the readers of tagged words share."""

from collections.abc import Sequence
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.readers.files import read_lines, unknown_label, wrong_fields

Token = tuple[str, str]  # a word and its tag


def read_tagging_tsv(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """`word<TAB>tag` lines, sentences apart by an empty line.

    Raises:
        UserError: see `read_lines`; another number of columns, an unknown tag, an empty word.
    """
    examples: list[TaggingExample] = []
    tokens: list[Token] = []
    for line, text in read_lines(path):
        if text.strip():
            fields = text.split("\t")
            if len(fields) != 2:
                raise wrong_fields(path, line, 2, len(fields))
            check_token(fields[0], fields[1], spec, path, line)
            tokens.append((fields[0], fields[1]))
        elif tokens:
            examples.append(sentence(path, len(examples) + 1, tokens))
            tokens = []
    if tokens:
        examples.append(sentence(path, len(examples) + 1, tokens))
    return examples


def sentence(path: Path, number: int, tokens: Sequence[Token]) -> TaggingExample:
    """An example whose id is the file's name and the sentence's number in it, from 1."""
    words, tags = zip(*tokens, strict=True)
    return TaggingExample(f"{path.name.partition('.')[0]}-{number}", words, tags)


def check_token(word: str, tag: str, spec: TaskSpec, path: Path, line: int) -> None:
    """Raises a UserError for an empty word or a tag that the task does not have."""
    if not word:
        raise UserError("an empty word", file=path, line=line)
    if tag not in spec.labels:
        raise unknown_label(tag, spec.labels, path, line)

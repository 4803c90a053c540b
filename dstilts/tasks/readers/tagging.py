"""Tagging: XTREME's two-column TSV, PAN-X's raw files, and what readers of tagged words share."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.readers.checks import checked, unknown_label
from dstilts.tasks.readers.columns import wrong_fields
from dstilts.tasks.readers.files import read_lines

Token = tuple[str, str]  # a word and its tag

_PREFIX = re.compile(r"[a-z]{2,3}(-[a-z]+)*:")


def read_tagging_tsv(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """`word<TAB>tag` lines, or words alone where XTREME has removed the tags; sentences are apart
    by an empty line.

    Raises:
        UserError: see `read_lines`; a line with more columns or another number than the first, an
            unknown tag, an empty word, no sentence.
    """
    return _read(path, spec, _token_lines(path))


def read_panx(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """PAN-X as XTREME has it (dev-de.tsv), the language's code before each word taken off where
    the first word has it ("de:Rom").

    Raises:
        UserError: see `read_tagging_tsv` and `read_panx_raw`.
    """
    code = path.name.partition(".")[0].partition("-")[2]
    first = next((fields[0] for _, fields in _token_lines(path) if fields), "")
    prefixed = bool(code) and first.startswith(f"{code}:")
    return (read_panx_raw if prefixed else read_tagging_tsv)(path, spec)


def read_panx_raw(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """PAN-X's own files: as `read_tagging_tsv`, with the language's code before each word ("en:").

    Raises:
        UserError: see `read_tagging_tsv`; a word without the code that the first one has.
    """
    return _read(path, spec, _without_prefix(path))


def _token_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line, an empty list for an empty line."""
    columns = 0
    for line, text in read_lines(path):
        fields = text.split("\t") if text.strip() else []
        columns = columns or len(fields)
        if fields and (len(fields) != columns or columns > 2):
            raise wrong_fields(path, line, min(columns, 2), len(fields))
        yield line, fields


def _without_prefix(path: Path) -> Iterator[tuple[int, list[str]]]:
    prefix = ""
    for line, fields in _token_lines(path):
        if fields:
            found = _PREFIX.match(fields[0])
            prefix = prefix or (found[0] if found else "")
            if not prefix or not fields[0].startswith(prefix):
                problem = f"no language code before the word {fields[0]!r:.80}"
                raise UserError(problem, file=path, line=line)
            fields[0] = fields[0].removeprefix(prefix)
        yield line, fields


def _read(
    path: Path, spec: TaskSpec, lines: Iterator[tuple[int, list[str]]]
) -> list[TaggingExample]:
    examples: list[TaggingExample] = []
    tokens: list[Token] = []
    labelled = True
    for line, fields in lines:
        if fields:
            labelled = len(fields) == 2
            tag = fields[1] if labelled else None
            check_token(fields[0], tag, spec, path, line)
            tokens.append((fields[0], tag or ""))
        elif tokens:
            examples.append(sentence(path, len(examples) + 1, tokens, labelled))
            tokens = []
    if tokens:
        examples.append(sentence(path, len(examples) + 1, tokens, labelled))
    if not examples:
        raise UserError("no sentence in the file", file=path)
    return checked(examples, path)


def sentence(
    path: Path, number: int, tokens: Sequence[Token], labelled: bool = True, domain: str = ""
) -> TaggingExample:
    """An example whose id is the file's name and the sentence's number in it, from 1."""
    words, tags = zip(*tokens, strict=True)
    name = f"{path.name.partition('.')[0]}-{number}"
    return TaggingExample(name, words, tags if labelled else (), domain)


def check_token(word: str, tag: str | None, spec: TaskSpec, path: Path, line: int) -> None:
    """Raises a UserError for an empty word or a tag that the task does not have.

    Where the task's labels are open, a tag has to be a whole one: not empty, its brackets closed.
    """
    if not word.strip():
        raise UserError("an empty word", file=path, line=line)
    if tag is None:
        return
    if spec.open_labels:
        if not tag.strip() or tag.count("(") != tag.count(")"):
            raise UserError(f"{tag!r:.80} is no whole tag", file=path, line=line)
    elif tag not in spec.labels:
        raise unknown_label(tag, spec.labels, path, line)

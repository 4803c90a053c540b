"""The contents of the files: labels, tags, pairs of ids, answers, ranked candidates."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dstilts.core.errors import UserError
from dstilts.tasks.readers.checks import unknown_label
from dstilts.tasks.readers.columns import wrong_fields
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.json_values import (
    id_at,
    list_at,
    read_json_file,
    read_json_lines,
    text_at,
    with_keys,
)
from dstilts.tasks.readers.spans import read_paragraphs

_NUMBER = re.compile(r"[0-9]+")


class Value(NamedTuple):
    """A value and its line."""

    line: int
    text: str


class Sentence(NamedTuple):
    """The tags of a sentence and the line of the first one."""

    line: int
    tags: list[str]


def read_values(path: Path, known: Sequence[str]) -> list[Value]:
    """One of the known values a line, or in JSON lines (.jsonl) one under "label" each.

    Raises:
        UserError: see `read_lines` and `read_json_lines`; another value, an empty line before the
            last one.
    """
    if path.suffix == ".jsonl":
        rows = read_json_lines(path, ("label",))
        values = [Value(line, id_at(row, "label", path, line)) for line, row in rows]
    else:
        values = list(_values(path))
    for value in values:
        if value.text not in known:
            raise unknown_label(value.text, known, path, value.line)
    return values


def read_numbers(path: Path, *, several: bool = False) -> list[Value]:
    """A number a line: which line of the other side, counted from 0.

    Args:
        several: a line may have more than one, separated by spaces (ours: equal sentences).

    Raises:
        UserError: see `read_lines`; a line that is no number.
    """
    values = list(_values(path))
    for line, text in values:
        parts = text.split(" ") if several else [text]
        if not all(map(_NUMBER.fullmatch, parts)):
            raise UserError(
                f"{text!r:.40} is no line number",
                file=path,
                line=line,
                remedy="count the lines of the other side from 0",
            )
    return values


def read_sentences(path: Path, known: Sequence[str]) -> list[Sentence]:
    """The tags of each sentence: a tag a line, empty lines between sentences.

    Columns before the tag (the words) are not looked at.

    Raises:
        UserError: see `read_lines`; an unknown tag.
    """
    sentences: list[Sentence] = []
    is_open = False
    for line, text in read_lines(path):
        tag = text.strip().rpartition("\t")[2]
        if not tag:
            is_open = False
            continue
        if tag not in known:
            raise unknown_label(tag, known, path, line)
        if not is_open:
            sentences.append(Sentence(line, []))
            is_open = True
        sentences[-1].tags.append(tag)
    return sentences


def read_pairs(path: Path) -> set[tuple[str, str]]:
    """Pairs of ids, separated by a tab; none in an empty file, from which no pair was mined.

    Raises:
        UserError: see `read_lines`; a line with another number of columns.
    """
    if path.is_file() and not path.stat().st_size:
        return set()
    pairs = set()
    for line, text in _values(path):
        fields = text.split("\t")
        if len(fields) != 2:
            raise wrong_fields(path, line, 2, len(fields))
        pairs.add((fields[0].strip(), fields[1].strip()))
    return pairs


def read_texts(path: Path) -> dict[str, str]:
    """A JSON object of answers by the question's id.

    Raises:
        UserError: see `read_json_file`; something else.
    """
    table = with_keys(read_json_file(path), (), path)
    return {name: text_at(table, name, path) for name in table}


def read_ids(path: Path) -> dict[str, list[str]]:
    """A JSON object of lists of ids by the question's id.

    Raises:
        UserError: see `read_json_file`; something else.
    """
    table = with_keys(read_json_file(path), (), path)
    found = {}
    for name in table:
        ids = list_at(table, name, path)
        if not all(isinstance(item, str) for item in ids):
            raise UserError(f"{name!r:.80} is {ids!r:.40}, not a list of ids", file=path)
        # The official script strips the gold ids.
        found[name] = [item.strip() for item in ids]
    return found


def read_answers(path: Path) -> dict[str, list[str]]:
    """The answers of each question of a file in SQuAD's layout, wherever they stand.

    Raises:
        UserError: see `read_paragraphs`; a duplicate id, a question without answers, a file from
            which XTREME has removed them.
    """
    found: dict[str, list[str]] = {}
    for paragraph in read_paragraphs(path):
        for question in paragraph.questions:
            name = id_at(with_keys(question, ("id", "answers"), path), "id", path)
            if name in found:
                raise UserError(f"duplicate id {name!r:.80}", file=path)
            answers = list_at(question, "answers", path)
            found[name] = [text_at(with_keys(a, ("text",), path), "text", path) for a in answers]
            if not answers:
                raise UserError(f"question {name!r:.80} has no answer", file=path)
    if not any(text for answers in found.values() for text in answers):
        raise UserError(
            "no question has an answer",
            file=path,
            remedy="XTREME's test files have none: take the data set's own file",
        )
    return found


def _values(path: Path) -> Iterator[Value]:
    """The lines without space around them; the last ones may be empty."""
    empty = 0
    for line, text in read_lines(path):
        value = text.strip()
        if value and empty:
            raise UserError("an empty line", file=path, line=empty)
        if value:
            yield Value(line, value)
        elif not empty:
            empty = line

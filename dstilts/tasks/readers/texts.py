"""Raw text for masked language modelling: a text a line, or a verse of a Bible in XML."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import TextExample
from dstilts.tasks.readers.files import LONGEST_LINE, opened, read_lines
from dstilts.tasks.readers.rows import Read, rows_of


def read_text_lines(path: Path, spec: TaskSpec) -> list[TextExample]:
    """A text a line, empty ones included; ids are the folder, the file and the line's number.

    Raises:
        UserError: see `read_lines`.
    """
    name = _name(path)
    return [
        TextExample(f"{name}-{line}", " ".join(text.split())) for line, text in read_lines(path)
    ]


def read_bible(path: Path, spec: TaskSpec) -> list[TextExample]:
    """The verses (`seg` elements) of a file of the parallel Bible corpus, empty ones included.

    Raises:
        UserError: the file is missing or cut off, no XML, or has no verse or one that is too long.
    """
    with opened(path) as stream:
        content = stream.read()
    try:
        root = ET.fromstring(content)
    except ET.ParseError as error:
        line = error.position[0]
        raise UserError(f"broken XML: {error}", file=path, line=line) from None
    except (LookupError, ValueError) as error:
        raise UserError(f"broken XML: {error}", file=path) from None
    name = _name(path)
    verses = [
        TextExample(f"{name}-{element.get('id', number)}", " ".join((element.text or "").split()))
        for number, element in enumerate(root.iter("seg"), start=1)
    ]
    for verse in verses:
        if len(verse.text) > LONGEST_LINE:
            raise UserError(f"{verse.id:.80} has {len(verse.text)} characters", file=path)
    if not verses:
        raise UserError("no verse in the file", file=path)
    return verses


def distinct(reads: Sequence[Sequence[Read]], language: str) -> list[TextExample]:
    """The texts of all files of a language without empty ones and exact repetitions."""
    kept: dict[str, TextExample] = {}
    for example in rows_of([read for group in reads for read in group]):
        if example.text:
            kept.setdefault(example.text, example)
    return list(kept.values())


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name.partition('.')[0]}"

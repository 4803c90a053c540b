"""Raw text: lines and verses, repeated ones dropped."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.readers.rows import Read
from dstilts.tasks.readers.texts import distinct, read_bible, read_text_lines

MLM = task("mlm")
BIBLE = '<cesDoc><text><seg id="b.1">\n\tEins &amp; zwei\n</seg><seg id="b.2"/></text></cesDoc>'


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_texts_of_a_language_are_distinct_and_not_empty(tmp_path: Path) -> None:
    lines = write(tmp_path, "de.txt", "  Eins &  zwei\n\nDrei\n")
    bible = write(tmp_path, "German.xml", BIBLE)
    reads = [Read(lines, read_text_lines(lines, MLM)), Read(bible, read_bible(bible, MLM))]
    # A file is counted by its lines and verses, empty ones included.
    assert [len(read.rows) for read in reads] == [3, 2]
    folder = tmp_path.name
    assert [(e.id, e.text) for e in distinct([reads], "de")] == [
        (f"{folder}/de-1", "Eins & zwei"),
        (f"{folder}/de-3", "Drei"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BIBLE[:40], r"bad:3: broken XML|bad:2: broken XML"),
        (BIBLE.replace("seg", "verse"), r"bad: no verse in the file"),
        (BIBLE.replace("zwei", "x" * 1_000_001), r"bad: .*b\.1 has 1000008 characters"),
        ('<?xml version="1.0" encoding="none"?><a/>', r"bad.*: broken XML"),
    ],
)
def test_broken_bibles_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_bible(write(tmp_path, "bad", text), MLM)

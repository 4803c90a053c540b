"""Damages of valid files: what a copy, an editor or a careless script does to them."""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.tasks.valid_files import Layout

LONG = 2_000_000  # characters

Damage = tuple[str, bytes]  # its name and the damaged content


def damages(layout: Layout, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Name, ending ("" or ".gz") and content of each damaged version of a layout's first file.

    What `harmless` names has to be read as if nothing had happened; all others are mistakes.
    """
    text = next(iter(layout.files.values()))
    draws = random.Random(f"{layout.task} {layout.split} {layout.language} {seed}")
    for name, content in _bytes(layout, text.encode(), draws):
        yield name, "", content
    packed = gzip.compress(text.encode())
    yield "gz cut off", ".gz", packed[: draws.randrange(1, len(packed) - 1)]
    yield "gz with a changed byte", ".gz", _changed(packed, draws.randrange(10, len(packed) - 4))
    yield "gz in name only", ".gz", text.encode()
    yield "harmless: packed", ".gz", packed
    by_kind: dict[str, Callable[[Layout, str, random.Random], Iterator[tuple[str, str]]]] = {
        "jsonl": _json_lines,
        "squad": _squad,
        "tsv": _columns,
    }
    if damage := by_kind.get(layout.kind):
        for name, changed in damage(layout, text, draws):
            yield name, "", changed.encode("utf-8", "surrogatepass")


def _bytes(layout: Layout, content: bytes, draws: random.Random) -> Iterator[Damage]:
    yield "empty", b""
    yield "harmless: byte order mark", b"\xef\xbb\xbf" + content
    yield "harmless: CRLF", content.replace(b"\n", b"\r\n")
    beyond_ascii = [place for place, byte in enumerate(content) if byte >= 0xC0]
    if beyond_ascii:
        yield "half a character", content[: beyond_ascii[0]] + content[beyond_ascii[0] + 1 :]
    place = draws.randrange(len(content))
    while content[place : place + 1] in (b"\n", b"") or content[place] >= 0x80:
        place = draws.randrange(len(content))
    yield "a byte that is no UTF-8", content[:place] + b"\xff" + content[place:]
    yield "a NUL byte", content[:place] + b"\0" + content[place:]
    yield "a line of 2 MB", content + b"x" * LONG + b"\n"
    if layout.kind not in ("text",) and not layout.free:
        for _ in range(3):
            if cut := _cut(content, draws):
                yield "cut off", cut
    if layout.kind == "text":
        yield "a line less", content[: content.rstrip().rindex(b"\n") + 1]
        yield "an empty line", content.replace(b"\n", b"\n\n", 1)


def _cut(content: bytes, draws: random.Random) -> bytes:
    """The start of a file that ends within a line, not at the end of a word or number."""
    inside = [
        place
        for place in range(1, len(content) - 1)
        if content[place : place + 1].strip()
        and content[place - 1 : place].strip()
        # "S\\NP" is a whole category and so is "S": a cut after a letter may not be seen.
        and not content[place - 1 : place].isalnum()
        and content[place - 1 : place] not in b"?!."
    ]
    return content[: draws.choice(inside)] if inside else b""


def _changed(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def _json_lines(layout: Layout, text: str, draws: random.Random) -> Iterator[tuple[str, str]]:
    rows = [json.loads(line) for line in text.splitlines()]

    def with_row(row: Any) -> str:
        return "".join(json.dumps(r) + "\n" for r in [*rows[:-1], row])

    last = rows[-1]
    for key in layout.keys:
        yield f"no {key}", with_row({k: v for k, v in last.items() if k != key})
        for value in (None, True, 1.5, [], {"a": 1}, "\ud800", "a\0b", ""):
            if not (key == layout.ids and value == "a\0b" and isinstance(last[key], int)):
                yield f"{key} is {value!r:.20}", with_row({**last, key: value})
    if layout.labels:
        for value in ("none of them", None, 99, [0]):
            yield f"label is {value!r}", with_row({**last, layout.labels: value})
        unlabelled = {k: v for k, v in last.items() if k != layout.labels}
        yield "one row without a label", with_row(unlabelled)
    if layout.ids:
        yield "duplicate id", with_row({**last, layout.ids: rows[0][layout.ids]})
    yield "a row that is a list", with_row([last])
    yield "a broken row", text.rstrip()[:-1]
    yield "two rows in a line", text.replace("}\n{", "}{", 1)
    yield "very deep", text + "[" * 100_000 + "\n"
    yield "a very long number", text + "1" * 10_000 + "\n"
    yield "nothing but empty lines", "\n\n"


def _squad(layout: Layout, text: str, draws: random.Random) -> Iterator[tuple[str, str]]:
    def with_question(**changes: Any) -> str:
        content = json.loads(text)
        content["data"][0]["paragraphs"][-1]["qas"][0].update(changes)
        return json.dumps(content)

    def with_paragraph(**changes: Any) -> str:
        content = json.loads(text)
        content["data"][0]["paragraphs"][-1].update(changes)
        return json.dumps(content)

    for start in (16, 18, -1, 10_000, None, "17", 17.0, True):
        answer = {"text": "Rom", "answer_start": start}
        yield f"answer at {start!r}", with_question(answers=[answer])
    for words in ("", " ", None, "Paris", 5):
        answer = {"text": words, "answer_start": 17}
        yield f"answer is {words!r}", with_question(answers=[answer])
    removed = [{"text": "", "answer_start": 0}]
    for value in ([], None, "Rom", [[]], [{}], removed):
        yield f"answers are {value!r}", with_question(answers=value)
    for key in ("id", "question"):
        for value in (None, "", [], {"a": 1}, "\ud800", "a\0b", "x" * LONG):
            yield f"{key} is {value!r:.20}", with_question(**{key: value})
    yield "duplicate id", with_question(id="a")
    for value in (None, "", 5, "x" * LONG):
        yield f"context is {value!r:.20}", with_paragraph(context=value)
    for value in (None, {}, "x", [None], [{}]):
        yield f"questions are {value!r}", with_paragraph(qas=value)
    for value in (None, [], {}, "x", [None], [{}], [{"paragraphs": []}]):
        yield f"data is {value!r}", json.dumps({"data": value})
    for content in ([], 5, {}, None):
        yield f"{content!r} alone", json.dumps(content)
    yield "very deep", "[" * 100_000
    if layout.task == "lareqa" and layout.split == "test":
        for value in (None, [], [[0, 10]], [[0, 1000]], [[21, 0]], [[0, 21], [10, 34]], [["0", 3]]):
            yield f"sentences are {value!r}", with_paragraph(sentence_breaks=value)
    if layout.task == "squad_v2":
        for impossible in (True, "false", None, 1):
            yield f"impossible is {impossible!r}", with_question(is_impossible=impossible)


def _columns(layout: Layout, text: str, draws: random.Random) -> Iterator[tuple[str, str]]:
    lines = text.split("\n")
    # A line with all columns that is no header.
    place = max(n for n, line in enumerate(lines) if line.count("\t") == len(layout.keys) - 1)
    fields = lines[place].split("\t")

    def with_line(*line: str) -> str:
        return "\n".join([*lines[:place], "\t".join(line), *lines[place + 1 :]])

    yield "a column less", with_line(*fields[:-1])
    yield "a column more", with_line(*fields, "x")
    yield "spaces for tabs", with_line(" ".join(fields))
    for column, use in enumerate(layout.keys):
        empty = [*fields[:column], "", *fields[column + 1 :]]
        if use != "-":
            yield f"column {column} empty", with_line(*empty)
    if layout.labels:
        column = int(layout.labels)
        yield "an unknown label", with_line(*fields[:column], "none", *fields[column + 1 :])
    if layout.ids:
        column = int(layout.ids)
        others = [line.split("\t")[column] for line in lines[:place] if "\t" in line]
        yield "duplicate id", with_line(*fields[:column], others[-1], *fields[column + 1 :])
    if layout.task == "bucc2018":
        if layout.ids:
            yield "an id less", "\n".join([*lines[:place], *lines[place + 1 :]])
        yield "a line twice", "\n".join([*lines[:place], *lines[place - 1 :]])
    yield "nothing but empty lines", "\n\n"

"""Mewsli-X as XTREME-R has it: mentions in their sentence, and descriptions of entities.

A line of mentions holds `context` (`language`, `text`, `sentence_spans`) and `mentions`
(`example_id`, `entity_id`, `mention_span`); a training line one `contextual_mention` of `context`
and `mention`, and the `entity`; an entity has `entity_id`, `description` and `sentence_spans`.
Spans are objects of `start` and `end` in characters. Other keys are not looked at.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.readers.checks import unique_ids
from dstilts.tasks.readers.json_values import (
    id_at,
    list_at,
    number_at,
    read_json_lines,
    text_at,
    with_keys,
)
from dstilts.tasks.readers.rows import Read, rows_of

_BRACES = re.compile(r"\{(.*?)\}")  # the marks of a mention, where they stand in the text itself


def read_mentions(path: Path, spec: TaskSpec) -> list[tuple[str, SentenceExample]]:
    """The mentions of all languages, each with its language.

    The text is the benchmark's: the mention, a colon, and its sentence with { and } around it.

    Raises:
        UserError: see `read_json_lines`; a mention that does not stand where it says, an article
            without its text, a duplicate id.
    """
    mentions = []
    for line, row in read_json_lines(path, ("context", "mentions")):
        keys = ("language", "text", "sentence_spans")
        context = with_keys(row["context"], keys, path, line)
        language = text_at(context, "language", path, line)
        found = list_at(row, "mentions", path, line)
        if not found:
            raise UserError("an article without a mention", file=path, line=line)
        mentions += [(language, _mention(context, mention, path, line)) for mention in found]
    unique_ids([mention for _, mention in mentions], path)
    return mentions


def read_entities(path: Path, spec: TaskSpec) -> list[SentenceExample]:
    """The candidates: an entity a line, whose text is its description.

    Raises:
        UserError: see `read_json_lines`; an empty description, a duplicate id.
    """
    keys = ("entity_id", "description")
    rows = read_json_lines(path, keys)
    entities = [_entity(id_at(row, "entity_id", path, line), row, path, line) for line, row in rows]
    return unique_ids(entities, path)


def read_mention_pairs(path: Path, spec: TaskSpec) -> list[tuple[SentenceExample, SentenceExample]]:
    """Training pairs from Wikipedia: a mention and its entity a line, in English.

    Raises:
        UserError: see `read_mentions` and `read_entities`; the entity is not the mention's.
    """
    pairs = []
    for line, row in read_json_lines(path, ("contextual_mention", "entity")):
        whole = with_keys(row["contextual_mention"], ("context", "mention"), path, line)
        context = with_keys(whole["context"], ("text", "sentence_spans"), path, line)
        mention = _mention(context, whole["mention"], path, line)
        entity = with_keys(row["entity"], ("entity_id", "description"), path, line)
        if id_at(entity, "entity_id", path, line) != mention.matches[0]:
            raise UserError("the entity is not the mention's", file=path, line=line)
        answer = f"{mention.id}-entity"
        question = SentenceExample(mention.id, mention.text, "source", (answer,))
        pairs.append((question, _entity(answer, entity, path, line, (mention.id,))))
    unique_ids([question for question, _ in pairs], path)
    return pairs


def linking(reads: Sequence[Sequence[Read]], language: str) -> list[SentenceExample]:
    """A language's mentions (first file) and the candidates (second file).

    Raises:
        UserError: the entity of a mention is no candidate.
    """
    candidates = rows_of(reads[1])
    known = {candidate.id for candidate in candidates}
    mentions = [mention for code, mention in rows_of(reads[0]) if code == language]
    for mention in mentions:
        if mention.matches[0] not in known:
            problem = f"{mention.matches[0]!r:.80}, of mention {mention.id!r:.80}, is no candidate"
            raise UserError(problem, file=reads[0][0].path)
    return [*mentions, *candidates] if mentions else []


def _mention(context: Mapping[str, Any], mention: Any, path: Path, line: int) -> SentenceExample:
    row = with_keys(mention, ("example_id", "entity_id", "mention_span"), path, line)
    name = id_at(row, "example_id", path, line)
    text = text_at(context, "text", path, line)
    if not text:
        remedy = "put the text in with the script that Mewsli-X comes with"
        raise UserError("an article without its text", file=path, line=line, remedy=remedy)
    start, end = _span(row["mention_span"], text, path, line)
    words = text_at(with_keys(row["mention_span"], ("text",), path, line), "text", path, line)
    if text[start:end] != words:
        problem = f"the mention {words!r:.80} does not stand at character {start}"
        raise UserError(problem, file=path, line=line)
    spans = [_span(item, text, path, line) for item in list_at(context, "sentence_spans", path)]
    low = max((s for s, e in spans if s <= start < e), default=0)
    high = min((e for s, e in spans if s < end <= e), default=len(text))
    left, right = (_BRACES.sub(r"(\1)", part) for part in (text[low:start], text[end:high]))
    marked = " ".join(f"{words}: {left} {{ {words} }} {right}".split())
    return SentenceExample(name, marked, "source", (id_at(row, "entity_id", path, line),))


def _entity(
    name: str, row: Mapping[str, Any], path: Path, line: int, matches: tuple[str, ...] = ()
) -> SentenceExample:
    text = text_at(row, "description", path, line)
    if row.get("sentence_spans"):
        spans = [_span(item, text, path, line) for item in list_at(row, "sentence_spans", path)]
        text = " ".join(text[start:end] for start, end in spans)
    if not text.strip():
        raise UserError(f"an empty description of {name!r:.80}", file=path, line=line)
    return SentenceExample(name, " ".join(text.split()), "target", matches)


def _span(value: Any, text: str, path: Path, line: int) -> tuple[int, int]:
    row = with_keys(value, ("start", "end"), path, line)
    start, end = (number_at(row, key, path, line) for key in ("start", "end"))
    if not 0 <= start < end <= len(text):
        problem = f"the span from {start} to {end} is outside the text of {len(text)} characters"
        raise UserError(problem, file=path, line=line)
    return start, end

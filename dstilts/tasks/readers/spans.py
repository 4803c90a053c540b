"""Span question answering: the JSON of SQuAD v1.1, which XQuAD and TyDiQA-GoldP share."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import Answer, SpanExample
from dstilts.tasks.readers.files import (
    list_at,
    read_json_file,
    text_at,
    unique_ids,
    with_keys,
)


def read_squad(path: Path, spec: TaskSpec) -> list[SpanExample]:
    """All questions of a file, in its order.

    Raises:
        UserError: broken JSON, a missing key, a question without answers, an answer that does not
            stand where it says, a duplicate id.
    """
    return unique_ids(list(_examples(path)), path)


def read_squad_numbered(path: Path, spec: TaskSpec) -> list[SpanExample]:
    """As `read_squad` for training files whose ids are not unique: numbers in file order are put
    in their place."""
    return [
        dataclasses.replace(example, id=str(number))
        for number, example in enumerate(_examples(path), start=1)
    ]


def _examples(path: Path) -> Iterator[SpanExample]:
    content = with_keys(read_json_file(path), ("data",), path)
    for article in list_at(content, "data", path):
        for paragraph in list_at(with_keys(article, ("paragraphs",), path), "paragraphs", path):
            context = text_at(with_keys(paragraph, ("context", "qas"), path), "context", path)
            for question in list_at(paragraph, "qas", path):
                yield _example(context, question, path)


def squad_titles(path: Path) -> dict[str, str]:
    """For each question's id, what keeps related questions together: the article's title."""
    titles = {}
    for number, article in enumerate(read_json_file(path)["data"]):
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                titles[str(question["id"])] = str(article.get("title", number))
    return titles


def _example(context: str, question: Any, path: Path) -> SpanExample:
    with_keys(question, ("id", "question", "answers"), path)
    name = str(question["id"])
    answers = []
    for answer in list_at(question, "answers", path):
        text = text_at(with_keys(answer, ("text", "answer_start"), path), "text", path)
        start = answer["answer_start"]
        if (
            not isinstance(start, int)
            or start < 0
            or not text
            or not context.startswith(text, start)
        ):
            raise UserError(
                f"question {name!r}: the answer {text!r} does not stand at character {start!r}",
                file=path,
            )
        answers.append(Answer(text, start))
    if not answers:
        raise UserError(f"question {name!r} has no answer", file=path)
    return SpanExample(name, context, text_at(question, "question", path), tuple(answers))

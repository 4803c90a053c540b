"""Span question answering: the JSON of SQuAD v1.1, which XQuAD and TyDiQA-GoldP share."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import Answer, SpanExample
from dstilts.tasks.readers.files import read_json_file, unique_ids, with_keys


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
    articles = with_keys(read_json_file(path), ("data",), path)["data"]
    for article in articles:
        for paragraph in with_keys(article, ("paragraphs",), path)["paragraphs"]:
            with_keys(paragraph, ("context", "qas"), path)
            for question in paragraph["qas"]:
                yield _example(paragraph["context"], question, path)


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
    for answer in question["answers"]:
        with_keys(answer, ("text", "answer_start"), path)
        text, start = str(answer["text"]), int(answer["answer_start"])
        if not text or context[start : start + len(text)] != text:
            raise UserError(
                f"question {name!r}: the answer {text!r} does not stand at character {start}",
                file=path,
            )
        answers.append(Answer(text, start))
    if not answers:
        raise UserError(f"question {name!r} has no answer", file=path)
    return SpanExample(name, context, str(question["question"]), tuple(answers))

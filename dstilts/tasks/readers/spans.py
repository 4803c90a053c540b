"""Span question answering: the JSON of SQuAD, which XQuAD, MLQA and TyDiQA-GoldP share."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import Answer, SpanExample
from dstilts.tasks.readers.checks import checked
from dstilts.tasks.readers.json_values import (
    id_at,
    list_at,
    number_at,
    optional_text,
    read_json_file,
    text_at,
    with_keys,
)

# XTREME puts this in the place of the answers of a test file.
_REMOVED = [{"answer_start": 0, "text": ""}]


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """A paragraph of a file in SQuAD's layout.

    Attributes:
        row: its JSON object, of which `context` and `qas` are checked.
        title: of its article; empty where there is none.
    """

    context: str
    questions: list[Any]
    row: dict[str, Any]
    title: str


def read_squad(path: Path, spec: TaskSpec) -> list[SpanExample]:
    """All questions of a file, in its order; without answers where XTREME has removed them all.

    The domain is the article's title.

    Raises:
        UserError: see `read_paragraphs` and `checked`; a question without answers, an answer that
            does not stand where it says.
    """
    return checked(_examples(path, spec), path)


def read_squad_numbered(path: Path, spec: TaskSpec) -> list[SpanExample]:
    """As `read_squad` for training files whose ids are not unique: numbers in file order are put
    after them."""
    examples = [
        dataclasses.replace(example, id=f"{example.id}#{number}")
        for number, example in enumerate(_examples(path, spec), start=1)
    ]
    return checked(examples, path)


def read_paragraphs(path: Path) -> Iterator[Paragraph]:
    """The paragraphs of a file in SQuAD's layout.

    Raises:
        UserError: broken JSON, a missing key, a value of another type, no paragraph.
    """
    content = with_keys(read_json_file(path), ("data",), path)
    found = False
    for article in list_at(content, "data", path):
        title = optional_text(with_keys(article, ("paragraphs",), path), "title", path)
        for row in list_at(article, "paragraphs", path):
            found = True
            context = text_at(with_keys(row, ("context", "qas"), path), "context", path)
            questions = list_at(row, "qas", path)
            yield Paragraph(context, questions, row, title)
    if not found:
        raise UserError("no paragraph in the file", file=path)


def answers_of(question: Any, context: str, path: Path) -> tuple[Answer, ...]:
    """The answers of a question, each at its place in the context; () where XTREME removed them.

    Raises:
        UserError: an answer does not stand where it says.
    """
    name = id_at(with_keys(question, ("id", "question", "answers"), path), "id", path)
    given = list_at(question, "answers", path)
    if given == _REMOVED:
        return ()
    answers = []
    for answer in given:
        text = text_at(with_keys(answer, ("text", "answer_start"), path), "text", path)
        start = answer["answer_start"]
        if (
            not isinstance(start, int)
            or start < 0
            or not text.strip()
            or not context.startswith(text, start)
        ):
            raise UserError(
                f"question {name!r:.80}: the answer {text!r:.80} does not stand at character "
                f"{start!r:.20}",
                file=path,
            )
        answers.append(Answer(text, number_at(answer, "answer_start", path)))
    return tuple(answers)


def _examples(path: Path, spec: TaskSpec) -> list[SpanExample]:
    examples = [
        _example(paragraph, question, path, spec)
        for paragraph in read_paragraphs(path)
        for question in paragraph.questions
    ]
    if not examples:
        raise UserError("no question in the file", file=path)
    return examples


def _example(paragraph: Paragraph, question: Any, path: Path, spec: TaskSpec) -> SpanExample:
    answers = answers_of(question, paragraph.context, path)
    name = id_at(question, "id", path)
    answerable = True
    if spec.has_no_answer and question.get("is_impossible", False) is not False:
        if question["is_impossible"] is not True:
            raise UserError(f"question {name!r:.80}: 'is_impossible' is no truth value", file=path)
        answerable = False
    if not answerable and answers:
        raise UserError(f"question {name!r:.80} is impossible and has an answer", file=path)
    if answerable and question["answers"] == []:
        raise UserError(f"question {name!r:.80} has no answer", file=path)
    return SpanExample(
        id=name,
        context=paragraph.context,
        question=text_at(question, "question", path),
        answers=answers,
        answerable=answerable,
        domain=paragraph.title,
    )


def english_only(examples: Sequence[SpanExample]) -> list[SpanExample]:
    """Of TyDiQA's training questions those in English.

    In the file of all languages ids begin with the language's name; a file whose ids do not is one
    of XTREME's, which are by language already.
    """
    names = {example.id.partition("-")[0] for example in examples}
    if not names & _TYDI_LANGUAGES:
        return list(examples)
    return [example for example in examples if example.id.startswith("english-")]


_TYDI_LANGUAGES = frozenset(
    "arabic bengali english finnish indonesian japanese korean russian swahili telugu thai".split()
)

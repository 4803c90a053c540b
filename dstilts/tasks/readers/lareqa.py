"""LAReQA: XQuAD-R's questions and sentences, and training pairs derived from SQuAD v1.1."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.readers.checks import unique_ids
from dstilts.tasks.readers.json_values import list_at, text_at, with_keys
from dstilts.tasks.readers.rows import Read, rows_of
from dstilts.tasks.readers.sentences import sentence_spans
from dstilts.tasks.readers.spans import Paragraph, answers_of, read_paragraphs

Span = tuple[int, int]


def read_questions(path: Path, spec: TaskSpec) -> list[SentenceExample]:
    """The questions of a language's file; `ranking` tells what they match.

    Raises:
        UserError: see `read_paragraphs`; a duplicate id, no question.
    """
    questions = [
        SentenceExample(name, text, "source", ())
        for paragraph in read_paragraphs(path)
        for name, text, _ in _asked(paragraph, path)
    ]
    if not questions:
        raise UserError("no question in the file", file=path)
    return unique_ids(questions, path)


def read_candidates(path: Path, spec: TaskSpec) -> list[SentenceExample]:
    """The sentences of a language's file, each with the ids of the questions that it answers.

    Sentences are those of `sentence_breaks`; a sentence's id is the language, the paragraph's
    number from 1 and the sentence's from 0, as in the benchmark's code.

    Raises:
        UserError: see `read_paragraphs`; sentence breaks that are outside the paragraph or not in
            order, an answer that is in no sentence.
    """
    language = path.name.partition(".")[0]
    candidates = []
    for number, paragraph in enumerate(read_paragraphs(path), start=1):
        spans = _breaks(paragraph, path)
        answered = _answered(paragraph, spans, path)
        candidates += [
            SentenceExample(
                id=f"{language}_{number}_{place}",
                text=paragraph.context[start:end],
                side="target",
                matches=tuple(answered[place]),
                context=paragraph.context,
            )
            for place, (start, end) in enumerate(spans)
        ]
    return candidates


def read_answer_sentences(
    path: Path, spec: TaskSpec
) -> list[tuple[SentenceExample, SentenceExample]]:
    """Training pairs from a file in SQuAD's layout: a question, and the sentence of its answer.

    The sentence is the one in which the first answer begins, by the rule of `sentence_spans`; the
    paragraph is its context.

    Raises:
        UserError: see `read_paragraphs`; a duplicate id, no question.
    """
    pairs = []
    for paragraph in read_paragraphs(path):
        spans = sentence_spans(paragraph.context)
        for name, text, place in _asked(paragraph, path):
            start, end = next(span for span in spans if span[0] <= place < span[1])
            sentence = paragraph.context[start:end]
            answer = f"{name}-answer"
            pairs.append(
                (
                    SentenceExample(name, text, "source", (answer,)),
                    SentenceExample(answer, sentence, "target", (name,), paragraph.context),
                )
            )
    if not pairs:
        raise UserError("no question in the file", file=path)
    unique_ids([question for question, _ in pairs], path)
    return pairs


def matched(reads: Sequence[Sequence[Read]], language: str) -> list[SentenceExample]:
    """Training pairs one after the other, each question before its answer."""
    return [sentence for group in reads for pair in rows_of(group) for sentence in pair]


def ranking(reads: Sequence[Sequence[Read]], language: str) -> list[SentenceExample]:
    """A language's questions (first file) and the candidates of all languages (the other files).

    Raises:
        UserError: a question that no candidate of any language answers.
    """
    candidates = rows_of(reads[1])
    right: dict[str, list[str]] = {}
    for candidate in candidates:
        for name in candidate.matches:
            right.setdefault(name, []).append(candidate.id)
    questions = []
    for question in rows_of(reads[0]):
        if question.id not in right:
            problem = f"no candidate answers the question {question.id!r:.80}"
            raise UserError(problem, file=reads[0][0].path)
        questions.append(dataclasses.replace(question, matches=tuple(right[question.id])))
    return [*questions, *candidates]


def _asked(paragraph: Paragraph, path: Path) -> list[tuple[str, str, int]]:
    """For each question its id, its text, and the place of its first answer."""
    asked = []
    for question in paragraph.questions:
        answers = answers_of(question, paragraph.context, path)
        text = text_at(question, "question", path)
        if not answers or not text.strip():
            problem = "has no answer" if not answers else "has an empty text"
            raise UserError(f"question {question['id']!r:.80} {problem}", file=path)
        asked.append((str(question["id"]), text, answers[0].start))
    return asked


def _breaks(paragraph: Paragraph, path: Path) -> list[Span]:
    row = with_keys(paragraph.row, ("sentence_breaks",), path)
    spans: list[Span] = []
    end = 0
    for item in list_at(row, "sentence_breaks", path):
        whole = isinstance(item, list) and len(item) == 2 and all(type(n) is int for n in item)
        if not whole or not end <= item[0] < item[1] <= len(paragraph.context):
            problem = f"{item!r:.40} is no sentence of the paragraph {paragraph.context!r:.40}"
            raise UserError(problem, file=path)
        end = item[1]
        spans.append((item[0], item[1]))
    if not spans:
        raise UserError(f"no sentence in the paragraph {paragraph.context!r:.40}", file=path)
    return spans


def _answered(paragraph: Paragraph, spans: Sequence[Span], path: Path) -> list[list[str]]:
    """For each sentence the ids of the questions whose answer begins in it."""
    answered: list[list[str]] = [[] for _ in spans]
    for name, _, place in _asked(paragraph, path):
        inside = [number for number, (start, end) in enumerate(spans) if start <= place < end]
        if not inside:
            raise UserError(f"the answer of question {name!r:.80} is in no sentence", file=path)
        answered[inside[0]].append(name)
    return answered

"""Rows of the hub's tables to examples, one function for each set of columns."""

from collections.abc import Callable, Mapping
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    Example,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from dstilts.tasks.readers.choices import COPA_QUESTIONS

# A row, with the names of class labels in place of their numbers, and the row's number from 1.
# None: the row has no gold label and is left out, as the readers of files do. Two examples: a
# sentence and its translation.
Row = Mapping[str, Any]
Reader = Callable[[Row, int], Example | tuple[Example, ...] | None]


def nli(row: Row, number: int) -> PairExample | None:
    """MNLI, SNLI, ANLI, XNLI: premise, hypothesis, label."""
    if row["label"] is None:
        return None
    name = str(row.get("pairID") or row.get("uid") or number)
    return PairExample(name, row["premise"], row["hypothesis"], row["label"], row.get("genre", ""))


def qqp(row: Row, number: int) -> PairExample:
    """GLUE's QQP: its classes are named, the task's labels are 0 and 1."""
    label = {"not_duplicate": "0", "duplicate": "1", None: None}[row["label"]]
    return PairExample(str(row["idx"]), row["question1"], row["question2"], label)


def pawsx(row: Row, number: int) -> PairExample:
    """PAWS-X: sentence1, sentence2, label."""
    return PairExample(str(row["id"]), row["sentence1"], row["sentence2"], str(row["label"]))


def squad(row: Row, number: int) -> SpanExample:
    """SQuAD v1.1, XQuAD, MLQA: answers as lists of texts and places."""
    return SpanExample(
        id=row["id"],
        context=row["context"],
        question=row["question"],
        answers=_answers(row),
        domain=row.get("title", ""),
    )


def squad_v2(row: Row, number: int) -> SpanExample:
    """SQuAD v2.0: no answers means that the context does not answer the question."""
    answers = _answers(row)
    return SpanExample(
        row["id"], row["context"], row["question"], answers, bool(answers), row.get("title", "")
    )


def hellaswag(row: Row, number: int) -> ChoiceExample:
    """HellaSwag: the start of a sentence belongs to each of its ends, as in jiant."""
    choices = tuple(f"{row['ctx_b']} {ending}".strip() for ending in row["endings"])
    label = int(row["label"]) if row["label"] else None
    return ChoiceExample(
        str(row["ind"]), row["ctx_a"], "", choices, label, row.get("activity_label", "")
    )


def cosmosqa(row: Row, number: int) -> ChoiceExample:
    """Cosmos QA: answer0 to answer3; the published test split has label -1."""
    choices = tuple(row[f"answer{index}"] for index in range(4))
    label = row["label"] if row["label"] >= 0 else None
    return ChoiceExample(row["id"], row["context"], row["question"], choices, label)


def commonsenseqa(row: Row, number: int) -> ChoiceExample:
    """CommonsenseQA: lettered choices; the published test split has no answers."""
    letters, choices = row["choices"]["label"], tuple(row["choices"]["text"])
    label = letters.index(row["answerKey"]) if row["answerKey"] else None
    domain = row.get("question_concept", "")
    return ChoiceExample(row["id"], "", row["question"], choices, label, domain)


def socialiqa(row: Row, number: int) -> ChoiceExample:
    """SocialIQA: answerA to answerC, labels from "1"."""
    choices = tuple(row[f"answer{letter}"] for letter in "ABC")
    return ChoiceExample(
        str(number), row["context"], row["question"], choices, int(row["label"]) - 1
    )


def copa(row: Row, number: int) -> ChoiceExample:
    """COPA and XCOPA: a premise, which of two is its cause or its effect."""
    choices = (row["choice1"], row["choice2"])
    question = COPA_QUESTIONS[row["question"]]
    return ChoiceExample(str(number), row["premise"], question, choices, _number(row["label"]))


def tagging(column: str) -> Reader:
    """Tokens with class labels in a column."""

    def read(row: Row, number: int) -> TaggingExample:
        return TaggingExample(str(number), tuple(row["tokens"]), tuple(row[column]))

    return read


def parallel(row: Row, number: int) -> tuple[Example, ...]:
    """XTREME's Tatoeba: source_sentence of the evaluated language, target_sentence English."""
    source, target = f"source-{number}", f"target-{number}"
    return (
        SentenceExample(source, row["source_sentence"], "source", (target,)),
        SentenceExample(target, row["target_sentence"], "target", (source,)),
    )


def raw_text(row: Row, number: int) -> TextExample:
    """Any table with texts."""
    return TextExample(str(number), row["text"])


def _number(label: Any) -> int | None:
    """A choice's number, which class labels such as "choice2" count from 1."""
    if isinstance(label, str):
        return int(label.removeprefix("choice")) - 1
    return int(label) if label is not None and label >= 0 else None


def _answers(row: Row) -> tuple[Answer, ...]:
    texts, starts = row["answers"]["text"], row["answers"]["answer_start"]
    answers = tuple(Answer(t, s) for t, s in zip(texts, starts, strict=True))
    for answer in answers:
        end = answer.start + len(answer.text)
        if row["context"][answer.start : end] != answer.text:
            raise UserError(f"an answer of question {row['id']!r} is not where its row says")
    return answers

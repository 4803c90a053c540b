"""Multiple choice as JSON lines or CSV: SocialIQA, CommonsenseQA, HellaSwag, Cosmos QA, COPA."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import ChoiceExample
from dstilts.tasks.readers.checks import checked, unknown_label
from dstilts.tasks.readers.columns import read_csv
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.json_values import (
    id_at,
    list_at,
    optional_text,
    read_json_lines,
    text_at,
    with_keys,
)

# XTREME-R asks in English in all languages: "What was the cause?" (its run_xcopa.py).
COPA_QUESTIONS = {"cause": "What was the cause?", "effect": "What was the effect?"}

_COSMOS_COLUMNS = ("id", "context", "question", "answer0", "answer1", "answer2", "answer3")


def read_socialiqa(path: Path, spec: TaskSpec) -> list[ChoiceExample]:
    """SocialIQA; labels stand in the lines ("correct": "A") or in a file of 1, 2, 3 beside them.

    Raises:
        UserError: see `read_json_lines` and `checked`; no labels, an unknown label, or another
            number of labels.
    """
    rows = list(read_json_lines(path, ("context", "question", "answerA", "answerB", "answerC")))
    if "correct" not in rows[0][1]:
        labels = _labels_beside(path, spec, len(rows))
    else:
        labels = [_letter(row.get("correct"), "ABC", path, line) for line, row in rows]
    examples = [
        ChoiceExample(
            id=str(line),
            context=text_at(row, "context", path, line),
            question=text_at(row, "question", path, line),
            choices=tuple(text_at(row, f"answer{letter}", path, line) for letter in "ABC"),
            label=label,
        )
        for (line, row), label in zip(rows, labels, strict=True)
    ]
    return checked(examples, path, needed=("context", "question"))


def read_labels(path: Path, spec: TaskSpec) -> list[int]:
    """SocialIQA's file of labels: 1, 2 or 3 a line, made indices.

    Raises:
        UserError: see `read_lines`; an unknown label.
    """
    known = tuple(str(number + 1) for number in range(spec.num_choices or 0))
    labels = []
    for line, text in read_lines(path):
        if text not in known:
            raise unknown_label(text, known, path, line)
        labels.append(int(text) - 1)
    return labels


def read_commonsenseqa(path: Path, spec: TaskSpec) -> list[ChoiceExample]:
    """CommonsenseQA; the published test split has no labels. The domain is the question's concept.

    Raises:
        UserError: see `read_json_lines` and `checked`; an unknown label, another number of choices.
    """
    examples = []
    for line, row in read_json_lines(path, ("id", "question")):
        question = with_keys(row["question"], ("stem", "choices"), path, line)
        choices = [
            with_keys(choice, ("label", "text"), path, line)
            for choice in list_at(question, "choices", path, line)
        ]
        _check_number(len(choices), spec, path, line)
        letters = "".join(id_at(choice, "label", path, line) for choice in choices)
        label = None
        if row.get("answerKey"):
            label = _letter(row["answerKey"], letters, path, line)
        examples.append(
            ChoiceExample(
                id=id_at(row, "id", path, line),
                context="",
                question=text_at(question, "stem", path, line),
                choices=tuple(text_at(choice, "text", path, line) for choice in choices),
                label=label,
                domain=optional_text(question, "question_concept", path, line),
            )
        )
    return checked(examples, path, needed=("question",))


def read_hellaswag(path: Path, spec: TaskSpec) -> list[ChoiceExample]:
    """HellaSwag: the prompt is `ctx_a`, a choice is `ctx_b` and the ending, as in jiant.

    Copies that have only `ctx`, which is both joined, have the start of the unfinished sentence in
    the prompt. The domain is the activity.

    Raises:
        UserError: see `read_json_lines` and `checked`; a label that is no index of an ending.
    """
    examples = []
    for line, row in read_json_lines(path, ("ind", "endings")):
        whole = "ctx_a" not in row
        prompt = text_at(
            with_keys(row, ("ctx",), path, line) if whole else row,
            "ctx" if whole else "ctx_a",
            path,
            line,
        )
        start = "" if whole else optional_text(row, "ctx_b", path, line)
        endings = {str(n): text for n, text in enumerate(list_at(row, "endings", path, line))}
        _check_number(len(endings), spec, path, line)
        texts = [text_at(endings, key, path, line) for key in endings]
        examples.append(
            ChoiceExample(
                id=id_at(row, "ind", path, line),
                context=prompt,
                question="",
                choices=tuple(f"{start} {text}" if start else text for text in texts),
                label=_index(row, spec, path, line),
                domain=optional_text(row, "activity_label", path, line),
            )
        )
    return checked(examples, path, needed=("context",))


def read_cosmosqa(path: Path, spec: TaskSpec) -> list[ChoiceExample]:
    """Cosmos QA as CSV (train, valid) or JSON lines (test, without labels).

    Raises:
        UserError: see `read_csv`, `read_json_lines` and `checked`; an unknown label.
    """
    examples = []
    for line, row in _cosmos_rows(path):
        texts = {name: text_at(row, name, path, line) for name in _COSMOS_COLUMNS}
        examples.append(
            ChoiceExample(
                id=id_at(row, "id", path, line),
                context=texts["context"],
                question=texts["question"],
                choices=tuple(texts[f"answer{number}"] for number in range(4)),
                label=_index(row, spec, path, line),
            )
        )
    return checked(examples, path, needed=("context", "question"))


def read_copa(path: Path, spec: TaskSpec) -> list[ChoiceExample]:
    """COPA and XCOPA; the question is in English in every language, as in XTREME-R.

    Raises:
        UserError: see `read_json_lines` and `checked`; a question that is neither cause nor effect,
            an unknown label.
    """
    examples = []
    for line, row in read_json_lines(path, ("premise", "choice1", "choice2", "question", "idx")):
        word = text_at(row, "question", path, line)
        if word not in COPA_QUESTIONS:
            raise UserError(
                f"unknown question {word!r:.80}",
                file=path,
                line=line,
                remedy=f"known: {', '.join(COPA_QUESTIONS)}",
            )
        examples.append(
            ChoiceExample(
                id=id_at(row, "idx", path, line),
                context=text_at(row, "premise", path, line),
                question=COPA_QUESTIONS[word],
                choices=tuple(text_at(row, f"choice{n}", path, line) for n in (1, 2)),
                label=_index(row, spec, path, line),
            )
        )
    return checked(examples, path, needed=("context",))


def _cosmos_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if ".csv" not in path.name:
        yield from read_json_lines(path, _COSMOS_COLUMNS)
        return
    columns = (*_COSMOS_COLUMNS, "label")
    for line, fields in read_csv(path, columns):
        yield line, dict(zip(columns, fields, strict=True))


def _check_number(found: int, spec: TaskSpec, path: Path, line: int) -> None:
    if found != spec.num_choices:
        problem = f"{found} choices where {spec.num_choices} are expected"
        raise UserError(problem, file=path, line=line)


def _index(row: Mapping[str, Any], spec: TaskSpec, path: Path, line: int) -> int | None:
    """The label that is a choice's index from 0, a number or its text; None where there is none."""
    if "label" not in row:
        return None
    known = tuple(map(str, range(spec.num_choices or 0)))
    label = id_at(row, "label", path, line)
    if label not in known:
        raise unknown_label(label, known, path, line)
    return int(label)


def _letter(label: Any, letters: str, path: Path, line: int) -> int:
    if not isinstance(label, str) or len(label) != 1 or label not in letters:
        raise unknown_label(str(label), tuple(letters), path, line)
    return letters.index(label)


def _labels_beside(path: Path, spec: TaskSpec, expected: int) -> list[int]:
    """The labels of `train.jsonl` in `train-labels.lst`, plain or .gz."""
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
    files = [path.with_name(f"{stem}-labels.lst{suffix}") for suffix in ("", ".gz")]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise UserError("no labels", file=path, remedy=f"put {files[0].name} beside it")
    labels = read_labels(file, spec)
    if len(labels) != expected:
        raise UserError(f"{len(labels)} labels for {expected} examples", file=file)
    return labels

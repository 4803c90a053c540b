"""Multiple choice: SocialIQA and CommonsenseQA as JSON lines."""

from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import ChoiceExample
from dstilts.tasks.readers.files import (
    list_at,
    read_json_lines,
    read_lines,
    text_at,
    unique_ids,
    unknown_label,
    with_keys,
)


def read_socialiqa(path: Path, spec: TaskSpec) -> list[ChoiceExample]:
    """SocialIQA; labels stand in the lines ("correct": "A") or in a file of 1, 2, 3 beside them.

    Raises:
        UserError: see `read_json_lines`; no labels, an unknown label, or another number of labels.
    """
    rows = list(read_json_lines(path, ("context", "question", "answerA", "answerB", "answerC")))
    if rows and "correct" not in rows[0][1]:
        labels = _label_file(path, spec, len(rows))
    else:
        labels = [_letter(row.get("correct"), "ABC", path, line) for line, row in rows]
    return [
        ChoiceExample(
            id=str(line),
            context=text_at(row, "context", path, line),
            question=text_at(row, "question", path, line),
            choices=tuple(text_at(row, f"answer{letter}", path, line) for letter in "ABC"),
            label=label,
        )
        for (line, row), label in zip(rows, labels, strict=True)
    ]


def read_commonsenseqa(path: Path, spec: TaskSpec) -> list[ChoiceExample]:
    """CommonsenseQA; the published test split has no labels.

    Raises:
        UserError: see `read_json_lines`; an unknown label, another number of choices, a duplicate
            id.
    """
    examples = []
    for line, row in read_json_lines(path, ("id", "question")):
        question = with_keys(row["question"], ("stem", "choices"), path, line)
        choices = [
            with_keys(choice, ("label", "text"), path, line)
            for choice in list_at(question, "choices", path, line)
        ]
        if len(choices) != spec.num_choices:
            raise UserError(
                f"{len(choices)} choices where {spec.num_choices} are expected",
                file=path,
                line=line,
            )
        letters = "".join(str(choice["label"]) for choice in choices)
        label = None
        if row.get("answerKey"):
            label = _letter(row["answerKey"], letters, path, line)
        examples.append(
            ChoiceExample(
                id=str(row["id"]),
                context="",
                question=text_at(question, "stem", path, line),
                choices=tuple(text_at(choice, "text", path, line) for choice in choices),
                label=label,
            )
        )
    return unique_ids(examples, path)


def _letter(label: Any, letters: str, path: Path, line: int) -> int:
    if not isinstance(label, str) or len(label) != 1 or label not in letters:
        raise unknown_label(str(label), tuple(letters), path, line)
    return letters.index(label)


def _label_file(path: Path, spec: TaskSpec, expected: int) -> list[int]:
    """The labels of `train.jsonl` in `train-labels.lst`, plain or .gz."""
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
    files = [path.with_name(f"{stem}-labels.lst{suffix}") for suffix in ("", ".gz")]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise UserError("no labels", file=path, remedy=f"put {files[0].name} beside it")
    known = tuple(str(number + 1) for number in range(spec.num_choices or 0))
    labels = []
    for line, text in read_lines(file):
        if text not in known:
            raise unknown_label(text, known, file, line)
        labels.append(int(text) - 1)
    if len(labels) != expected:
        raise UserError(f"{len(labels)} labels for {expected} examples", file=file)
    return labels

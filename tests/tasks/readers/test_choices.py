"""Readers of multiple choice: what they read of each layout, and each defect by file and line."""

import gzip
import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import ChoiceExample
from dstilts.tasks.readers.choices import (
    read_commonsenseqa,
    read_copa,
    read_cosmosqa,
    read_hellaswag,
    read_socialiqa,
)

SOCIAL, COMMON, SWAG, COSMOS, COPA = map(
    task, ("socialiqa", "commonsenseqa", "hellaswag", "cosmosqa", "xcopa")
)


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    packed = gzip.compress(text.encode())
    path.write_bytes(packed if name.endswith(".gz") else text.encode())
    return path


def test_socialiqa_with_labels_inside_or_beside(tmp_path: Path) -> None:
    row = {"context": "c", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z"}
    expected = [ChoiceExample("1", "c", "q", ("x", "y", "z"), 1)]
    inside = write(tmp_path, "inside.jsonl", json.dumps({**row, "correct": "B"}))
    assert read_socialiqa(inside, SOCIAL) == expected
    beside = write(tmp_path, "train.jsonl.gz", json.dumps(row))
    with pytest.raises(UserError, match=r"no labels; put train-labels\.lst beside it"):
        read_socialiqa(beside, SOCIAL)
    labels = write(tmp_path, "train-labels.lst", "2\n")
    assert read_socialiqa(beside, SOCIAL) == expected
    labels.write_text("2\n1\n")
    with pytest.raises(UserError, match="2 labels for 1 examples"):
        read_socialiqa(beside, SOCIAL)


def test_commonsenseqa_with_and_without_key(tmp_path: Path) -> None:
    choices = [{"label": letter, "text": letter.lower()} for letter in "ABCDE"]
    row = {"id": "i", "answerKey": "D", "question": {"stem": "s", "choices": choices}}
    path = write(tmp_path, "a.jsonl", json.dumps(row))
    assert read_commonsenseqa(path, COMMON) == [ChoiceExample("i", "", "s", tuple("abcde"), 3)]
    del row["answerKey"]
    assert read_commonsenseqa(write(tmp_path, "b.jsonl", json.dumps(row)), COMMON)[0].label is None


def test_choices_are_checked(tmp_path: Path) -> None:
    row = {"context": "c", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z"}
    path = write(tmp_path, "a.jsonl", json.dumps({**row, "correct": "D"}))
    with pytest.raises(UserError, match=r"a\.jsonl:1: unknown label 'D'; known: A, B, C"):
        read_socialiqa(path, SOCIAL)
    write(tmp_path, "b-labels.lst", "1\n4\n")
    path = write(tmp_path, "b.jsonl", f"{json.dumps(row)}\n{json.dumps(row)}\n")
    with pytest.raises(UserError, match=r"b-labels\.lst:2: unknown label '4'; known: 1, 2, 3"):
        read_socialiqa(path, SOCIAL)
    choices = [{"label": letter, "text": letter.lower()} for letter in "ABCDE"]
    for changed, message in (
        ({"answerKey": "F"}, "c:1: unknown label 'F'; known: A, B, C, D, E"),
        (
            {"question": {"stem": "s", "choices": choices[:4]}},
            "c:1: 4 choices where 5 are expected",
        ),
        ({"question": {"stem": "s", "choices": None}}, "c:1: 'choices' is None, not a list"),
        ({"question": {"stem": "s"}}, "c:1: key 'choices' is missing"),
    ):
        whole = {"id": "i", "answerKey": "D", "question": {"stem": "s", "choices": choices}}
        with pytest.raises(UserError, match=message):
            read_commonsenseqa(write(tmp_path, "c", json.dumps({**whole, **changed})), COMMON)
    with pytest.raises(UserError, match="d: duplicate id 'i'"):
        read_commonsenseqa(write(tmp_path, "d", 2 * f"{json.dumps(whole)}\n"), COMMON)


def test_hellaswag_has_the_start_of_the_sentence_in_each_choice(tmp_path: Path) -> None:
    row = {"ind": 4, "endings": ["a", "b", "c", "d"], "ctx": "He sits. then he", "label": 3}
    parts = {"ctx_a": "He sits.", "ctx_b": "then he", "activity_label": "Sitting"}
    path = write(tmp_path, "a.jsonl", json.dumps({**row, **parts}))
    choices = tuple(f"then he {letter}" for letter in "abcd")
    assert read_hellaswag(path, SWAG) == [ChoiceExample("4", "He sits.", "", choices, 3, "Sitting")]
    # The copy with only the joined context.
    (example,) = read_hellaswag(write(tmp_path, "b.jsonl", json.dumps(row)), SWAG)
    assert (example.context, example.choices) == ("He sits. then he", tuple("abcd"))
    with pytest.raises(UserError, match=r"c\.jsonl:1: unknown label '4'; known: 0, 1, 2, 3"):
        read_hellaswag(write(tmp_path, "c.jsonl", json.dumps({**row, "label": 4})), SWAG)


def test_cosmosqa_as_csv_and_as_json_lines(tmp_path: Path) -> None:
    names = ["id", "context", "question", *(f"answer{n}" for n in range(4)), "label"]
    fields = ["i", 'a, "b"\nc', "q", "w", "x", "y", "z", "2"]
    quoted = ",".join('"' + field.replace('"', '""') + '"' for field in fields)
    table = write(tmp_path, "valid.csv.gz", f"{','.join(names)}\r\n{quoted}\r\n")
    expected = [ChoiceExample("i", 'a, "b"\nc', "q", ("w", "x", "y", "z"), 2)]
    assert read_cosmosqa(table, COSMOS) == expected
    row = dict(zip(names, fields, strict=True))
    assert read_cosmosqa(write(tmp_path, "a.jsonl", json.dumps(row)), COSMOS) == expected
    del row["label"]
    unlabelled = read_cosmosqa(write(tmp_path, "test.jsonl", json.dumps(row)), COSMOS)
    assert unlabelled[0].label is None
    for text, message in (
        (f"{','.join(names)}\n{quoted},1\n", r"bad\.csv:3: 9 columns where 8 are expected"),
        (f"{','.join(names)}\n{quoted[:6]}", r"bad\.csv:2: broken CSV: unexpected end of data"),
        (f"{','.join(names[1:])}\n", r"bad\.csv:1: column 'id' is missing; the header has: con"),
        (f"{','.join(names)}\n", r"bad\.csv: nothing but a header"),
    ):
        with pytest.raises(UserError, match=message):
            read_cosmosqa(write(tmp_path, "bad.csv", text), COSMOS)


def test_copa_asks_in_english_in_every_language(tmp_path: Path) -> None:
    row = {"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "idx": 0}
    rows = [{**row, "label": 1}, {**row, "question": "effect", "idx": 1, "label": 0}]
    path = write(tmp_path, "val.et.jsonl", "\n".join(map(json.dumps, rows)))
    cause, effect = read_copa(path, COPA)
    assert cause == ChoiceExample("0", "p", "What was the cause?", ("a", "b"), 1)
    assert effect.question == "What was the effect?"
    with pytest.raises(UserError, match=r"bad:1: unknown question 'why'; known: cause, effect"):
        read_copa(write(tmp_path, "bad", json.dumps({**rows[0], "question": "why"})), COPA)
    unlabelled = "\n".join(json.dumps(each) for each in (rows[0], {**row, "idx": 2}))
    with pytest.raises(UserError, match="bad: example '2' has no label, others have one"):
        read_copa(write(tmp_path, "bad", unlabelled), COPA)

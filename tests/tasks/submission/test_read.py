"""Contents of the files, and the line of what cannot be read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.submission.read import (
    read_answers,
    read_ids,
    read_numbers,
    read_pairs,
    read_sentences,
    read_texts,
    read_values,
)

YES_NO = ("no", "yes")
TAGS = ("NOUN", "VERB")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(content: str, suffix: str = "tsv") -> Path:
        path = tmp_path / f"test-de.{suffix}"
        path.write_bytes(content.encode())
        return path

    return write


def values(path: Path) -> list[tuple[int, str]]:
    return [tuple(value) for value in read_values(path, YES_NO)]


def sentences(path: Path) -> list[tuple[int, list[str]]]:
    return [tuple(sentence) for sentence in read_sentences(path, TAGS)]


def numbers(path: Path) -> list[str]:
    return [value.text for value in read_numbers(path, several=True)]


def question(name: str, *answers: str) -> str:
    texts = ", ".join(f'{{"text": "{answer}", "answer_start": 99}}' for answer in answers)
    return f'{{"id": "{name}", "answers": [{texts}]}}'


def squad(*questions: str) -> str:
    paragraph = f'{{"context": "none of them", "qas": [{", ".join(questions)}]}}'
    return f'{{"data": [{{"paragraphs": [{paragraph}]}}]}}'


@pytest.mark.parametrize(
    ("read", "content", "suffix", "expected"),
    [
        (values, "yes\nno\n", "tsv", [(1, "yes"), (2, "no")]),
        (values, "\ufeff yes\r\nno\r\n\r\n", "tsv", [(1, "yes"), (2, "no")]),
        (values, '{"label": "no", "x": 1}\n\n{"label": "yes"}', "jsonl", [(1, "no"), (3, "yes")]),
        (numbers, "12\n0\n3 4\n", "tsv", ["12", "0", "3 4"]),
        (sentences, "NOUN\nVERB\n\nVERB\n", "tsv", [(1, ["NOUN", "VERB"]), (4, ["VERB"])]),
        (sentences, "\n a\tNOUN\r\n\n\n\nb\tVERB", "tsv", [(2, ["NOUN"]), (6, ["VERB"])]),
        (read_pairs, "a\tb\nc\td\na\tb\n", "tsv", {("a", "b"), ("c", "d")}),
        (read_pairs, "", "tsv", set()),
        (read_texts, '{"1": "a", "2": ""}', "json", {"1": "a", "2": ""}),
        (read_ids, '{"1": ["a", " b "], "2": []}', "json", {"1": ["a", "b"], "2": []}),
        (read_answers, squad(question("1", "a", "b")), "json", {"1": ["a", "b"]}),
    ],
)
def test_contents(
    write: Callable[..., Path], read: Any, content: str, suffix: str, expected
) -> None:
    assert read(write(content, suffix)) == expected


@pytest.mark.parametrize(
    ("read", "content", "suffix", "problem"),
    [
        (values, "yes\nmaybe\n", "tsv", ":2: unknown label 'maybe'; known: no, yes"),
        (values, "yes\n\n\nno\n", "tsv", ":2: an empty line"),
        (values, "", "tsv", ": the file is empty"),
        (values, "yes\0\n", "tsv", ":1: a NUL character"),
        (values, '{"label": "yes"}\n{"lab', "jsonl", ":2: broken JSON"),
        (values, '{"lable": "yes"}', "jsonl", ":1: key 'label' is missing"),
        (values, '{"label": ["yes"]}', "jsonl", ":1: 'label' is ['yes'], not an id"),
        (numbers, "1\n-2\n", "tsv", ":2: '-2' is no line number; count the lines of the other"),
        (numbers, "1.0\n", "tsv", ":1: '1.0' is no line number"),
        (numbers, "\u0663\n", "tsv", ":1: '\u0663' is no line number"),
        (sentences, "NOUN\nNUON\n", "tsv", ":2: unknown label 'NUON'"),
        (sentences, "word\n", "tsv", ":1: unknown label 'word'"),
        (read_pairs, "a\tb\na b\n", "tsv", ":2: 1 columns where 2 are expected"),
        (read_pairs, "a\tb\tc\n", "tsv", ":1: 3 columns where 2 are expected"),
        (read_texts, "[]", "json", ": not a JSON object"),
        (read_texts, '{\n"1": "a"', "json", ":2: broken JSON"),
        (read_texts, '{"1": 5}', "json", ": '1' is 5, not a text"),
        (read_ids, '{"1": "a"}', "json", ": '1' is 'a', not a list"),
        (read_ids, '{"1": [["a"]]}', "json", ": '1' is [['a']], not a list of ids"),
        (read_answers, "{}", "json", ": key 'data' is missing"),
        (read_answers, '{"data": []}', "json", ": no paragraph in the file"),
        (read_answers, squad(question("1", "a"), question("1", "a")), "json", "duplicate id '1'"),
        (read_answers, squad(question("1", "a"), question("2")), "json", "'2' has no answer"),
        (read_answers, squad(question("1", "")), "json", "take the data set's own file"),
        (read_answers, squad('{"id": "1", "answers": ["a"]}'), "json", ": not a JSON object"),
        (read_answers, squad('{"id": "1", "answers": [{"text": 1}]}'), "json", "1, not a text"),
    ],
)
def test_mistakes(
    write: Callable[..., Path], read: Any, content: str, suffix: str, problem: str
) -> None:
    path = write(content, suffix)
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)


def test_one_number_a_line_in_predictions(write: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="'3 4' is no line number"):
        read_numbers(write("3 4\n"))

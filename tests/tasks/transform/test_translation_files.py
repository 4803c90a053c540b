"""Translated training sets by kind of task, and each defect by file and line."""

import gzip
import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.examples import Answer, ChoiceExample, PairExample, SpanExample, TaggingExample
from dstilts.tasks.transform.translation_files import load_translations

CHOICE = {"question": "q", "choices": ["a", "b", "c"], "label": 2}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = text.encode()
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


def squad(start: int) -> str:
    answers = [{"text": "Rom", "answer_start": start}]
    paragraph = {
        "context": "Sie ist in Rom.",
        "qas": [{"id": "7", "question": "Wo?", "answers": answers}],
    }
    return json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]})


def test_pairs(tmp_path: Path) -> None:
    write(tmp_path, "mnli/de.tsv", "label\ttext_a\ttext_b\nneutral\tA\tB\nentailment\tC\tD\n")
    write(tmp_path, "mnli/fr.tsv.gz", "id\ttext_a\ttext_b\tlabel\nx7\tA\tB\tneutral\n")
    german, french = load_translations(tmp_path, "mnli")
    assert (german.language, german.split, german.task) == ("de", "train", "mnli")
    assert german.files == ("mnli/de.tsv",)
    assert german.examples == (
        PairExample("2", "A", "B", "neutral"),
        PairExample("3", "C", "D", "entailment"),
    )
    assert french.examples == (PairExample("x7", "A", "B", "neutral"),)
    assert [s.language for s in load_translations(tmp_path, "mnli", ("fr", "de"))] == ["fr", "de"]


def test_choices(tmp_path: Path) -> None:
    lines = [CHOICE, {**CHOICE, "id": "k", "context": "c", "label": 0}]
    write(tmp_path, "socialiqa/de.jsonl", "\n".join(map(json.dumps, lines)))
    (german,) = load_translations(tmp_path, "socialiqa")
    assert german.examples == (
        ChoiceExample("1", "", "q", ("a", "b", "c"), 2),
        ChoiceExample("k", "c", "q", ("a", "b", "c"), 0),
    )


def test_spans_and_tags(tmp_path: Path) -> None:
    write(tmp_path, "squad_v1/de.json", squad(11))
    ((question,),) = (each.examples for each in load_translations(tmp_path, "squad_v1"))
    answer = (Answer("Rom", 11),)
    assert question == SpanExample("7", "Sie ist in Rom.", "Wo?", answer, domain="t")

    write(tmp_path, "udpos/de.tsv", "Sie\tPRON\nist\tAUX\n\nja\tINTJ\n")
    ((first, second),) = (each.examples for each in load_translations(tmp_path, "udpos"))
    assert first == TaggingExample("de-1", ("Sie", "ist"), ("PRON", "AUX"))
    assert second == TaggingExample("de-2", ("ja",), ("INTJ",))


@pytest.mark.parametrize(
    ("task", "name", "text", "line", "problem"),
    [
        ("mnli", "de.tsv", "text_a\ttext_b\nA\tB\n", 1, "column 'label' is missing"),
        ("mnli", "de.tsv", "text_a\ttext_b\tlabel\nA\tB\tyes\n", 2, "unknown label 'yes'"),
        ("mnli", "de.tsv", "text_a\ttext_b\tlabel\nA\tB\n", 2, "2 columns where 3"),
        ("mnli", "de.tsv", "id\ttext_a\ttext_b\tlabel\n\tA\tB\tneutral\n", 2, "an empty id"),
        ("mnli", "de.tsv", "", None, "the file is empty"),
        ("socialiqa", "de.jsonl", json.dumps({**CHOICE, "label": 3}), 1, "unknown label '3'"),
        ("socialiqa", "de.jsonl", json.dumps({**CHOICE, "label": "A"}), 1, "not a number"),
        ("socialiqa", "de.jsonl", json.dumps({**CHOICE, "choices": ["a"]}), 1, "1 choices where 3"),
        ("socialiqa", "de.jsonl", json.dumps({**CHOICE, "choices": [1, 2, 3]}), 1, "not a text"),
        ("socialiqa", "de.jsonl", "{", 1, "broken JSON"),
        ("squad_v1", "de.json", squad(3), None, "does not stand at character 3"),
        ("udpos", "de.tsv", "Sie\tPRONOUN\n", 1, "unknown label 'PRONOUN'"),
        ("udpos", "de.tsv", "Sie\nist\n", None, "no example has a label"),
    ],
)
def test_defects(
    tmp_path: Path, task: str, name: str, text: str, line: int | None, problem: str
) -> None:
    path = write(tmp_path, f"{task}/{name}", text)
    with pytest.raises(UserError, match=problem) as caught:
        load_translations(tmp_path, task)
    assert caught.value.file == str(path)
    assert line is None or caught.value.line == line


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no translations of mnli; looked for mnli/LANGUAGE\.tsv"):
        load_translations(tmp_path, "mnli")
    write(tmp_path, "mnli/de.tsv", "text_a\ttext_b\tlabel\nA\tB\tneutral\n")
    with pytest.raises(UserError, match=r"no translations of mnli into 'fr'; .* mnli/fr\.tsv"):
        load_translations(tmp_path, "mnli", ("de", "fr"))
    with pytest.raises(UserError, match="no translations are read for lareqa"):
        load_translations(tmp_path, "lareqa")
    write(tmp_path, "mnli/german.tsv", "x")
    with pytest.raises(UserError, match="unknown language 'german'"):
        load_translations(tmp_path, "mnli")

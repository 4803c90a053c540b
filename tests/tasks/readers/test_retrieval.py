"""Readers of retrieval: BUCC's pairs, LAReQA's pool of sentences, Mewsli-X's mentions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.readers.bucc import mining, read_gold, read_numbered_sentences
from dstilts.tasks.readers.lareqa import (
    matched,
    ranking,
    read_answer_sentences,
    read_candidates,
    read_questions,
)
from dstilts.tasks.readers.mewslix import (
    linking,
    read_entities,
    read_mention_pairs,
    read_mentions,
)
from dstilts.tasks.readers.rows import Read
from dstilts.tasks.readers.sentences import sentence_spans

BUCC, LAREQA, MEWSLI = map(task, ("bucc2018", "lareqa", "mewslix"))


def read(tmp_path: Path, name: str, text: str, reader: Callable[..., Any], spec: Any) -> Read:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return Read(path, reader(path, spec))


def test_gold_pairs_are_what_matches(tmp_path: Path) -> None:
    def side(name: str, text: str) -> list[Read]:
        return [read(tmp_path, name, text, read_numbered_sentences, BUCC)]

    sides = [side("de", "de-1\tJa\nde-2\tNein\n"), side("en", "en-1\tNo\nen-2\tMaybe\n")]
    gold = read(tmp_path, "gold", "de-2\ten-1\n", read_gold, BUCC)
    sentences = mining([*sides, [gold]], "de")
    assert [(s.id, s.side, s.matches) for s in sentences] == [
        ("de-1", "source", ()),
        ("de-2", "source", ("en-1",)),
        ("en-1", "target", ("de-2",)),
        ("en-2", "target", ()),
    ]
    assert not any(s.matches for s in mining(sides, "de"))
    wrong = read(tmp_path, "gold", "de-2\ten-1\nde-3\ten-2\n", read_gold, BUCC)
    with pytest.raises(UserError, match="gold:2: no sentence has the id 'de-3'"):
        mining([*sides, [wrong]], "de")
    with pytest.raises(UserError, match="bad:2: duplicate id 'a'"):
        read(tmp_path, "bad", "a\tx\na\ty\n", read_numbered_sentences, BUCC)
    with pytest.raises(UserError, match="bad: the pair a b stands twice"):
        read(tmp_path, "bad", "a\tb\na\tb\n", read_gold, BUCC)


def paragraph(context: str, breaks: Any, *questions: tuple[str, int, str]) -> dict[str, Any]:
    qas = [
        {"id": name, "question": f"{name}?", "answers": [{"text": text, "answer_start": start}]}
        for name, start, text in questions
    ]
    return {"context": context, "sentence_breaks": breaks, "qas": qas}


def xquad_r(*paragraphs: dict[str, Any]) -> str:
    return json.dumps({"data": [{"title": "t", "paragraphs": list(paragraphs)}]})


def test_candidates_of_all_languages_answer_a_question(tmp_path: Path) -> None:
    english = xquad_r(paragraph("It is. He ran.", [[0, 6], [7, 14]], ("q", 7, "He")))
    german = xquad_r(paragraph("Er lief. So ist es.", [[0, 8], [9, 19]], ("q", 0, "Er")))
    pool = [
        read(tmp_path, "en.json", english, read_candidates, LAREQA),
        read(tmp_path, "de.json", german, read_candidates, LAREQA),
    ]
    asked = read(tmp_path, "en.json", english, read_questions, LAREQA)
    question, *candidates = ranking([[asked], pool], "en")
    assert (question.id, question.side, question.matches) == ("q", "source", ("en_1_1", "de_1_0"))
    assert [c.text for c in candidates] == ["It is.", "He ran.", "Er lief.", "So ist es."]
    assert candidates[1].context == "It is. He ran."
    # The same objects stand in every language's set.
    asked = read(tmp_path, "de.json", german, read_questions, LAREQA)
    again = ranking([[asked], pool], "de")[1:]
    assert all(one is other for one, other in zip(candidates, again, strict=True))


@pytest.mark.parametrize(
    ("breaks", "message"),
    [
        ([[0, 6], [7, 15]], r"\[7, 15\] is no sentence of the paragraph 'It is. He ran.'"),
        ([[0, 6], [5, 14]], r"\[5, 14\] is no sentence"),
        ([[0, "6"]], r"\[0, '6'\] is no sentence"),
        ([[0, 6]], r"the answer of question 'q' is in no sentence"),
        ([], r"no sentence in the paragraph"),
        (None, r"'sentence_breaks' is None, not a list"),
    ],
)
def test_sentence_breaks_are_checked(tmp_path: Path, breaks: Any, message: str) -> None:
    text = xquad_r(paragraph("It is. He ran.", breaks, ("q", 7, "He")))
    with pytest.raises(UserError, match=message):
        read(tmp_path, "en.json", text, read_candidates, LAREQA)


def test_training_pairs_are_questions_and_their_sentences(tmp_path: Path) -> None:
    text = xquad_r(paragraph("It is. Dr. A. Fox ran.", None, ("q", 14, "Fox"), ("r", 0, "It")))
    pairs = read(tmp_path, "train.json", text, read_answer_sentences, LAREQA)
    first, answer, _, other = matched([[pairs]], "en")
    assert (first.matches, answer.id, answer.text) == (("q-answer",), "q-answer", "Dr. A. Fox ran.")
    assert answer.matches == ("q",)
    assert (other.text, other.context) == ("It is. ", "It is. Dr. A. Fox ran.")
    assert len(pairs.rows) == 2


def test_sentences_cover_the_text() -> None:
    text = 'He said "no." Then Mr. J. Fox (of 3 St. Mary) left at 5 p.m. on 4 Nov. 1999! 7 stayed.'
    spans = sentence_spans(text)
    assert [text[start:end] for start, end in spans] == [
        'He said "no." ',
        "Then Mr. J. Fox (of 3 St. Mary) left at 5 p.m. on 4 Nov. 1999! ",
        "7 stayed.",
    ]
    assert sentence_spans("one") == [(0, 3)]


def span(start: int, end: int, **more: str) -> dict[str, Any]:
    return {"start": start, "end": end, **more}


CONTEXT = {
    "language": "de",
    "text": "Ein Satz. {Rom} liegt\nin Italien. Ende.",
    "sentence_spans": [span(0, 9), span(10, 33), span(34, 39)],
}
MENTION = {"example_id": "m", "entity_id": "Q1", "mention_span": span(25, 32, text="Italien")}
ENTITY = {
    "entity_id": "Q1",
    "description": "Italy is a state.  It is old.",
    "sentence_spans": [span(0, 17), span(19, 29)],
}


def test_mentions_stand_marked_in_their_sentence(tmp_path: Path) -> None:
    line = json.dumps({"context": CONTEXT, "mentions": [MENTION]})
    mentions = read(tmp_path, "m.jsonl", line, read_mentions, MEWSLI)
    entities = read(tmp_path, "e.jsonl", json.dumps(ENTITY), read_entities, MEWSLI)
    mention, entity = linking([[mentions], [entities]], "de")
    assert mention.text == "Italien: (Rom) liegt in { Italien } ."
    assert (mention.id, mention.matches, entity.id) == ("m", ("Q1",), "Q1")
    assert entity.text == "Italy is a state. It is old."
    assert linking([[mentions], [entities]], "en") == []
    missing = json.dumps({**ENTITY, "entity_id": "Q2"})
    other = read(tmp_path, "e.jsonl", missing, read_entities, MEWSLI)
    with pytest.raises(UserError, match=r"m\.jsonl: 'Q1', of mention 'm', is no candidate"):
        linking([[mentions], [other]], "de")


def test_training_pairs_of_mentions(tmp_path: Path) -> None:
    row = {"contextual_mention": {"context": CONTEXT, "mention": MENTION}, "entity": ENTITY}
    pairs = read(tmp_path, "p.jsonl", json.dumps(row), read_mention_pairs, MEWSLI)
    mention, entity = matched([[pairs]], "en")
    assert (mention.matches, entity.id, entity.matches) == (("m-entity",), "m-entity", ("m",))
    wrong = json.dumps({**row, "entity": {**ENTITY, "entity_id": "Q2"}})
    with pytest.raises(UserError, match=r"p\.jsonl:1: the entity is not the mention's"):
        read(tmp_path, "p.jsonl", wrong, read_mention_pairs, MEWSLI)


@pytest.mark.parametrize(
    ("mention", "message"),
    [
        ({**MENTION, "mention_span": span(24, 31, text="Italien")}, "does not stand at character"),
        ({**MENTION, "mention_span": span(30, 40, text="x")}, "the span from 30 to 40 is outside"),
        ({**MENTION, "mention_span": span(9, 9, text="")}, "the span from 9 to 9 is outside"),
        ({**MENTION, "example_id": None}, "'example_id' is None, not an id"),
        (None, "not a JSON object"),
    ],
)
def test_mentions_are_checked(tmp_path: Path, mention: Any, message: str) -> None:
    line = json.dumps({"context": CONTEXT, "mentions": [mention]})
    with pytest.raises(UserError, match=rf"m\.jsonl:1: .*{message}"):
        read(tmp_path, "m.jsonl", line, read_mentions, MEWSLI)


def test_articles_need_their_text(tmp_path: Path) -> None:
    line = json.dumps({"context": {**CONTEXT, "text": ""}, "mentions": [MENTION]})
    with pytest.raises(UserError, match="an article without its text; put the text in"):
        read(tmp_path, "m.jsonl", line, read_mentions, MEWSLI)

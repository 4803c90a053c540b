"""Sentences in several languages: spacing, capitals, agreement, spans."""

import pytest

from dstilts.tasks.phrasebook.format import load_language
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Ref, load_plan
from dstilts.tasks.phrasebook.sentence import Sentence, realise


def sentence(code: str, frame: str, **entries: str) -> Sentence:
    values = {
        slot: Ref(*(entry.split("/") if "/" in entry else (slot_class(slot), entry)))
        for slot, entry in entries.items()
    }
    return realise(load_language(code), load_plan(), frame, values)


@pytest.mark.parametrize(
    ("code", "frame", "entries", "text"),
    [
        ("en", "open_daily", {"place": "zoo", "city": "rome"},
         "The zoo in Rome is open every day."),
        ("en", "not_buy", {"person": "anna", "thing": "kind/fruit"}, "Anna did not buy any fruit."),
        ("de", "not_buy", {"person": "anna", "thing": "kind/fruit"}, "Anna hat kein Obst gekauft."),
        ("de", "work", {"person": "eva", "job": "doctor"}, "Eva arbeitet als Ärztin."),
        ("de", "none_drink", {"group": "nurses", "drink": "tea"},
         "Keine der Krankenschwestern trinkt Tee."),
        ("fr", "not_live", {"person": "anna", "city": "oslo"}, "Anna n'habite pas à Oslo."),
        ("fr", "age_how", {"person": "anna"}, "Quel âge a Anna ?"),
        ("fr", "older", {"person": "felix", "person2": "anna"}, "Felix est plus âgé qu'Anna."),
        ("es", "live_where", {"person": "anna"}, "¿Dónde vive Anna?"),
        ("ru", "travel_stayed", {"person": "anna", "person2": "hugo", "city": "rome"},
         "Анна отправилась в Рим, а Хуго остался дома."),
        ("ru", "call", {"person": "hugo", "person2": "anna", "day": "tuesday", "time": "17:30"},
         "Хуго позвонил Анне во вторник в 17:30."),
        ("zh", "age_job", {"person": "anna", "number": "26", "job": "doctor"},
         "安娜26岁，职业是医生。"),
    ],
)  # fmt: skip
def test_the_text_is_as_written_by_hand(
    code: str, frame: str, entries: dict[str, str], text: str
) -> None:
    assert sentence(code, frame, **entries).text == text


def test_words_and_tags_are_those_of_the_text() -> None:
    made = sentence("fr", "teach", person="anna", subject="history", city="rome")
    assert list(zip(made.words, made.tags, strict=True)) == [
        ("Anna", "PROPN"), ("enseigne", "VERB"), ("l'", "DET"), ("histoire", "NOUN"),
        ("dans", "ADP"), ("une", "DET"), ("école", "NOUN"), ("à", "ADP"), ("Rome", "PROPN"),
        (".", "PUNCT"),
    ]  # fmt: skip
    assert sentence("fr", "age_how", person="anna").words[-1] == "?"


def test_a_span_is_the_filler_without_adpositions() -> None:
    russian = sentence("ru", "visit", person="anna", person2="hugo", day="tuesday")
    start, end = russian.spans["day"]
    assert russian.text[start:end] == "вторник"
    german = sentence("de", "hobby", person="anna", hobby="swim", day="monday")
    start, end = german.spans["hobby"]
    assert german.text[start:end] == "im See schwimmen"  # a verb phrase stays whole


def test_a_question_without_the_person_takes_the_first_form() -> None:
    assert sentence("ru", "born_who", city="rome", year="1976").text == (
        "Кто родился в Риме в 1976 году?"
    )

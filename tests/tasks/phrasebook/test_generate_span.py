"""Questions and contexts: the answer is where it is said to be, and only there."""

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_span import span_examples, span_items
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.phrasebook.plan import load_plan
from tests.tasks.phrasebook.occurrences import occurrences

TEST = Part("xquad", "test", "test", 200)


@pytest.mark.parametrize(
    "part", [TEST, Part("tydiqa", "dev", "test", 150)], ids=["xquad", "tydiqa"]
)
@pytest.mark.parametrize("code", available_languages())
def test_the_answer_stands_once_in_the_context(code: str, part: Part) -> None:
    language = load_language(code)
    examples = span_examples(part, language)
    assert len(examples) == part.size
    assert len({(example.context, example.question) for example in examples}) == part.size
    for example in examples:
        (answer,) = example.answers
        assert example.context[answer.start :].startswith(answer.text)
        assert answer.text == answer.text.strip() != ""
        assert occurrences(example.context, answer.text, language) == 1, example


def test_questions_and_answers_match_in_english() -> None:
    for example in span_examples(TEST, load_language("en")):
        (answer,) = example.answers
        if "-visit_whom" in example.id:
            person, city = example.question[:-1].split()[2], example.question[:-1].split()[5]
            assert f"{person} visited {answer.text} in {city}." in example.context
        if "-age_how" in example.id:
            assert f"{example.question[:-1].split()[3]} is {answer.text} years" in example.context


def test_the_answer_is_at_no_fixed_place() -> None:
    examples = span_examples(TEST, load_language("en"))
    sentence = [e.context[: e.answers[0].start].count(". ") for e in examples]
    assert {sentence.count(place) > 25 for place in range(4)} == {True}


def test_a_question_knows_only_what_it_names() -> None:
    # Or a "who" question would agree with the gender of its answer.
    plan = load_plan()
    for item in span_items(TEST):
        assert set(item.question.values) == set(plan.questions[item.question.frame].slots)

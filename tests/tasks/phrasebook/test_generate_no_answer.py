"""Questions without an answer: a third, and contexts that look alike."""

from collections import Counter

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_lareqa import answers
from dstilts.tasks.phrasebook.generate_no_answer import no_answer_examples, no_answer_items
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.phrasebook.plan import load_plan
from tests.tasks.phrasebook.occurrences import occurrences

TEST = Part("squad_v2", "test", "test", 210)


@pytest.mark.parametrize("code", available_languages())
def test_a_third_has_no_answer(code: str) -> None:
    language = load_language(code)
    examples = no_answer_examples(TEST, language)
    assert len(examples) == len({example.id for example in examples}) == 210
    assert Counter(example.answerable for example in examples) == {True: 140, False: 70}
    for example in examples:
        assert len(example.answers) == int(example.answerable)
        for answer in example.answers:
            assert example.context[answer.start :].startswith(answer.text)
            assert occurrences(example.context, answer.text, language) == 1, example


def test_one_statement_or_none_answers() -> None:
    plan = load_plan()
    for item in no_answer_items(TEST):
        right = [answers(plan, item.question, statement) for statement in item.statements]
        assert right.count(True) == (item.place is not None)
        assert item.place is None or right[item.place]


def test_frames_and_names_do_not_tell() -> None:
    plan = load_plan()
    for item in no_answer_items(TEST):
        about = plan.questions[item.question.frame].about
        assert len(item.statements) == 4
        assert sum(statement.frame == about for statement in item.statements) == 2
        entries = {ref for one in item.statements for ref in one.values.values()}
        assert entries.issuperset(item.question.values.values())

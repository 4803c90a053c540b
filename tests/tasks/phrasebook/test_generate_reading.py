"""Multiple choice about short texts: every choice is in the text, one fits the question."""

from collections import Counter

import pytest

from dstilts.tasks.catalog import TASKS
from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_lareqa import answers
from dstilts.tasks.phrasebook.generate_reading import reading_examples, reading_items
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.phrasebook.plan import load_plan

TASK_NAMES = ("commonsenseqa", "cosmosqa", "socialiqa")
TESTS = [Part(task, "test", "test", 200) for task in TASK_NAMES]


@pytest.mark.parametrize("code", available_languages())
@pytest.mark.parametrize("part", TESTS, ids=TASK_NAMES)
def test_all_choices_stand_in_the_text(part: Part, code: str) -> None:
    examples = reading_examples(part, load_language(code))
    num_choices = TASKS[part.task].num_choices
    assert num_choices
    assert len(examples) == len({example.id for example in examples}) == 200
    counts = Counter(example.label for example in examples)
    assert max(counts.values()) - min(counts.values()) <= 1
    for example in examples:
        assert len(set(example.choices)) == num_choices
        text = example.context or example.question
        assert all(choice in text for choice in example.choices)
        assert (example.context == "") == (part.task == "commonsenseqa")


@pytest.mark.parametrize("part", TESTS, ids=TASK_NAMES)
def test_one_statement_answers(part: Part) -> None:
    plan = load_plan()
    for item in reading_items(part):
        right = [answers(plan, item.question, statement) for statement in item.statements]
        assert right.count(True) == 1
        assert item.order[item.label] == right.index(True)
        assert sorted(item.order) == list(range(len(item.statements)))
        assert {statement.frame for statement in item.statements} == {
            plan.questions[item.question.frame].about
        }


@pytest.mark.parametrize("part", TESTS, ids=TASK_NAMES)
def test_the_question_is_needed(part: Part) -> None:
    # The statement whose entries others share most is not likelier to be the right one.
    hits, chance = 0.0, 0.0
    for item in reading_items(part):
        refs = [set(statement.values.values()) for statement in item.statements]
        shared = [sum(len(one & other) for other in refs) - len(one) for one in refs]
        best = [index for index, count in enumerate(shared) if count == max(shared)]
        hits += (item.order[item.label] in best) / len(best)
        chance += 1 / len(refs)
    assert hits < chance * 1.35


def test_training_and_development_share_no_question() -> None:
    english = load_language("en")
    parts = (Part("cosmosqa", "train", "train", 1200), Part("cosmosqa", "dev", "train", 150))
    sets = [{(e.context, e.question) for e in reading_examples(part, english)} for part in parts]
    assert [len(one) for one in sets] == [1200, 150]
    assert not sets[0] & sets[1]

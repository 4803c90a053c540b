"""Multiple choice (readings, continuations, COPA): one choice is right, and nothing but the content
tells which."""

from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from dstilts.tasks.catalog import TASKS
from dstilts.tasks.examples import ChoiceExample
from dstilts.tasks.phrasebook.format import Language, available_languages, load_language
from dstilts.tasks.phrasebook.generate_continuation import (
    continuation_examples,
    continuation_items,
)
from dstilts.tasks.phrasebook.generate_copa import QUESTION, copa_examples
from dstilts.tasks.phrasebook.generate_reading import reading_examples, reading_items
from dstilts.tasks.phrasebook.generator import Part, Split
from dstilts.tasks.phrasebook.plan import Pool, load_plan
from dstilts.tasks.readers.choices import COPA_QUESTIONS

MAKERS: dict[str, Callable[[Part, Language], tuple[ChoiceExample, ...]]] = {
    "commonsenseqa": reading_examples,
    "socialiqa": reading_examples,
    "cosmosqa": reading_examples,
    "hellaswag": continuation_examples,
    "copa": copa_examples,
    "xcopa": copa_examples,
}
READING = ("commonsenseqa", "socialiqa", "cosmosqa")


def made(task: str, split: Split, pool: Pool, code: str = "en") -> tuple[ChoiceExample, ...]:
    size: dict[tuple[Split, Pool], int] = {
        ("train", "train"): 800,
        ("dev", "train"): 100,
        ("dev", "test"): 100,
    }
    part = Part(task, split, pool, size.get((split, pool), 200))
    return MAKERS[task](part, load_language(code))


def content(examples: tuple[ChoiceExample, ...]) -> set[tuple[str, str, frozenset[str]]]:
    return {(e.context, e.question, frozenset(e.choices)) for e in examples}


@pytest.mark.parametrize("task", MAKERS)
@pytest.mark.parametrize("code", available_languages())
def test_choices_are_distinct_in_every_language(task: str, code: str) -> None:
    examples = made(task, "test", "test", code)
    assert len(examples) == len({e.id for e in examples}) == 200
    for example in examples:
        assert len(set(example.choices)) == len(example.choices) == TASKS[task].num_choices
        assert all(choice == choice.strip() != "" for choice in example.choices)
        assert example.label in range(len(example.choices))


@pytest.mark.parametrize("task", MAKERS)
@pytest.mark.parametrize("code", ["de", "zh", "sw", "tr"])
def test_the_items_are_the_same_in_every_language(task: str, code: str) -> None:
    english, other = made(task, "test", "test"), made(task, "test", "test", code)
    assert [(e.id, e.label) for e in english] == [(e.id, e.label) for e in other]


@pytest.mark.parametrize("task", MAKERS)
def test_the_right_choice_is_at_no_fixed_place(task: str) -> None:
    counts = Counter(e.label for e in made(task, "train", "train"))
    expected = 800 / len(counts)
    assert len(counts) == TASKS[task].num_choices
    assert all(0.8 * expected < count < 1.2 * expected for count in counts.values())


@pytest.mark.parametrize("task", MAKERS)
def test_splits_share_no_item(task: str) -> None:
    training, dev = content(made(task, "train", "train")), content(made(task, "dev", "train"))
    test, test_dev = content(made(task, "test", "test")), content(made(task, "dev", "test"))
    assert training
    assert training.isdisjoint(dev)
    assert test.isdisjoint(test_dev)
    assert (training | dev).isdisjoint(test | test_dev)


@pytest.mark.parametrize("task", MAKERS)
def test_the_same_items_at_every_call(task: str) -> None:
    first = made(task, "test", "test")
    reading_items.cache_clear()
    continuation_items.cache_clear()
    assert made(task, "test", "test") == first


@pytest.mark.parametrize("task", READING)
@pytest.mark.parametrize("split", ["train", "test"])
def test_one_statement_answers_the_question(task: str, split: Pool) -> None:
    plan = load_plan()
    for item in reading_items(Part(task, split, split, 200)):
        asked = item.question.values.items()
        about = plan.questions[item.question.frame].about
        answering = [
            number
            for number, statement in enumerate(item.statements)
            if statement.frame == about and asked <= statement.values.items()
        ]
        assert answering == [item.order[item.label]]
        answers = [statement.values[item.answer] for statement in item.statements]
        assert len(set(answers)) == len(answers)
        assert split == "test" or plan.usable(item.question.frame, "train")


@pytest.mark.parametrize("task", READING)
def test_the_statement_with_the_most_repeated_entries_is_not_the_right_one(task: str) -> None:
    # Distractors that are all like the right statement would give it away without the question.
    found = 0.0
    items = reading_items(Part(task, "train", "train", 800))
    for item in items:
        counts = Counter(ref for one in item.statements for ref in one.values.values())
        scores = [sum(counts[ref] for ref in one.values.values()) for one in item.statements]
        right = scores[item.order[item.label]]
        found += (right == max(scores)) / scores.count(max(scores))
    assert found / len(items) == pytest.approx(1 / (TASKS[task].num_choices or 0), abs=0.05)


@pytest.mark.parametrize("task", READING)
@pytest.mark.parametrize("code", ["en", "de", "zh", "sw", "tr"])
def test_every_choice_stands_in_the_text(task: str, code: str) -> None:
    # So that the question must be read.
    for example in made(task, "test", "test", code):
        text = (example.context or example.question).casefold()
        assert all(choice.casefold() in text for choice in example.choices), example
        assert (example.context == "") is (task == "commonsenseqa")


@pytest.mark.parametrize("task", [*READING, "hellaswag"])
@pytest.mark.parametrize("code", ["en", "de", "zh", "sw", "tr"])
def test_the_label_names_the_text_of_the_right_choice(task: str, code: str) -> None:
    language, plan, part = load_language(code), load_plan(), Part(task, "test", "test", 200)
    right = []
    if task == "hellaswag":
        for one in continuation_items(part):
            right.append(one.choices[one.label].sentence(language, plan).text)
    else:
        for item in reading_items(part):
            sentence = item.statements[item.order[item.label]].sentence(language, plan)
            start, end = sentence.spans[item.answer]
            right.append(sentence.text[start:end])
    assert [e.choices[e.label or 0] for e in made(task, "test", "test", code)] == right


@pytest.mark.parametrize("split", ["train", "test"])
def test_one_continuation_follows(split: Pool) -> None:
    for item in continuation_items(Part("hellaswag", split, split, 200)):
        texts = [set(statement.values.values()) for statement in item.statements]
        following = [
            number
            for number, choice in enumerate(item.choices)
            if any(set(choice.values.values()) <= text for text in texts)
        ]
        assert following == [item.label]
        # Each entry of the choices is in the text, and is in as many choices as its rival.
        entries = Counter(ref for choice in item.choices for ref in choice.values.values())
        assert set(entries) <= set().union(*texts)
        assert set(entries.values()) <= {2, 4}


def test_a_continuation_has_no_question() -> None:
    assert {e.question for e in made("hellaswag", "test", "test")} == {""}


@pytest.mark.parametrize("task", ["copa", "xcopa"])
def test_each_pair_of_choices_is_asked_twice_with_each_right_once(task: str) -> None:
    right: dict[frozenset[str], Counter[str]] = defaultdict(Counter)
    premises: dict[frozenset[str], set[str]] = defaultdict(set)
    for example in made(task, "test", "test"):
        right[frozenset(example.choices)][example.choices[example.label or 0]] += 1
        premises[frozenset(example.choices)].add(example.context)
    assert len(right) == 100
    for choices, counts in right.items():
        assert counts == dict.fromkeys(choices, 1)
        assert len(premises[choices]) == 2


def test_effects_in_english() -> None:
    found: Counter[str] = Counter()
    for example in made("xcopa", "test", "test"):
        chosen = example.choices[example.label or 0]
        name = example.id.split("-")[2]
        if name == "drinks":
            assert ("not" in chosen) is example.context.startswith("No"), example
            found[name] += 1
        if name == "journey":  # "A travelled to X, but B stayed at home."
            traveller = example.context.split()[0]
            assert (chosen.split()[0] == traveller) is ("stayed" not in chosen), example
            found[name] += 1
    assert set(found) == {"drinks", "journey"}


def test_the_question_is_that_of_the_readers() -> None:
    assert COPA_QUESTIONS["effect"] == QUESTION
    assert {e.question for e in made("copa", "train", "train")} == {QUESTION}


def test_held_out_frames_stay_out_of_training() -> None:
    names = {e.id.split("-")[2] for e in made("copa", "train", "train")}
    assert not {"arrival", "languages"} & names
    assert {"arrival", "languages"} <= {e.id.split("-")[2] for e in made("xcopa", "test", "test")}

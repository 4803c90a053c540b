"""Questions and a pool of all languages: what matches answers, and nothing else does."""

from collections import Counter

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_lareqa import (
    answers,
    asked_questions,
    contexts,
    lareqa_examples,
)
from dstilts.tasks.phrasebook.generator import Filled, Part
from dstilts.tasks.phrasebook.plan import Ref, load_plan

TEST = Part("lareqa", "test", "test", 85)


@pytest.mark.parametrize("code", available_languages())
def test_questions_match_one_sentence_in_every_language(code: str) -> None:
    examples = lareqa_examples(TEST, load_language(code))
    sources = [e for e in examples if e.side == "source"]
    pool = {e.id: e for e in examples if e.side == "target"}
    assert len(sources) == len({e.text for e in sources}) == 85
    assert len(examples) == len(sources) + len(pool)
    for source in sources:
        assert {match.partition("_")[0] for match in source.matches} == {*available_languages()}
        assert len(source.matches) == len(available_languages())
        assert all(source.id in pool[match].matches for match in source.matches)


def test_the_pool_is_modest_and_the_same_for_all() -> None:
    pools = [
        [e for e in lareqa_examples(TEST, load_language(code)) if e.side == "target"]
        for code in ("en", "zh")
    ]
    assert pools[0] == pools[1]
    assert len(pools[0]) == 36 * len(available_languages()) <= 1500
    assert all(e.text in e.context and e.text != e.context for e in pools[0])
    for code, count in Counter(e.id.partition("_")[0] for e in pools[0]).items():
        assert count == len({e.text for e in pools[0] if e.id.startswith(f"{code}_")}) == 36


def test_no_other_sentence_of_the_pool_answers() -> None:
    plan = load_plan()
    statements = [statement for context in contexts(TEST) for statement in context]
    assert len(statements) == 36
    for context in contexts(TEST):
        assert len({statement.frame for statement in context}) == len(context) == 3
    for one in asked_questions(TEST):
        right = [other for other in statements if answers(plan, one.question, other)]
        assert right == [contexts(TEST)[one.context][one.place]]


def test_what_answers_a_question() -> None:
    plan = load_plan()
    emma = {"person": Ref("person", "emma")}
    job = {"job": Ref("job", "cook")}
    asked = Filled("live_job_what", emma)
    for frame, rest, expected in (
        ("live_job", {"city": Ref("city", "rome")}, True),
        ("age_job", {"number": Ref("number", "25")}, True),
        ("work", {}, False),
    ):
        assert answers(plan, asked, Filled(frame, {**emma, **job, **rest})) == expected
    hugo = {"person": Ref("person", "hugo"), "number": Ref("number", "25")}
    assert not answers(plan, asked, Filled("age_job", {**hugo, **job}))


def test_answers_are_right_in_english() -> None:
    examples = lareqa_examples(TEST, load_language("en"))
    by_id = {e.id: e for e in examples}
    names = {one.name: one.question for one in asked_questions(TEST)}
    for source in (e for e in examples if e.side == "source"):
        (match,) = (by_id[name] for name in source.matches if name.startswith("en_"))
        for ref in names[source.id].values.values():
            if ref.class_name in ("person", "city", "company"):
                name = "IKEA" if ref.entry == "ikea" else ref.entry.title()
                assert name in match.text


def test_training_pairs_match_one_to_one() -> None:
    examples = lareqa_examples(Part("lareqa", "train", "train", 800), load_language("en"))
    by_id = {e.id: e for e in examples}
    assert len(by_id) == len(examples) == 1600
    for example in examples:
        (match,) = example.matches
        assert by_id[match].matches == (example.id,)
        assert by_id[match].side != example.side
        assert example.side == "source" or example.text in example.context

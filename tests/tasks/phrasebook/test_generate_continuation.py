"""Which sentence goes on: one follows, and nothing but the text tells which."""

from collections import Counter

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_continuation import (
    continuation_examples,
    continuation_items,
)
from dstilts.tasks.phrasebook.generator import Part

TEST = Part("hellaswag", "test", "test", 200)


@pytest.mark.parametrize("code", available_languages())
def test_four_distinct_choices(code: str) -> None:
    examples = continuation_examples(TEST, load_language(code))
    assert len(examples) == len({example.id for example in examples}) == 200
    assert Counter(example.label for example in examples) == dict.fromkeys(range(4), 50)
    assert all(len(set(example.choices)) == 4 for example in examples)


def test_one_choice_follows_and_each_entry_is_there_as_often() -> None:
    for item in continuation_items(TEST):
        together = [set(statement.values.values()) for statement in item.statements]
        follows = [
            any(set(choice.values.values()) <= entries for entries in together)
            for choice in item.choices
        ]
        assert [index for index, right in enumerate(follows) if right] == [item.label]
        counts = Counter(ref for choice in item.choices for ref in choice.values.values())
        assert set(counts.values()) <= {2, 4}
        everything = [ref for entries in together for ref in entries]
        assert all(everything.count(ref) == 1 for ref, count in counts.items() if count == 2)


def test_the_right_statement_is_at_no_fixed_place() -> None:
    places: Counter[int] = Counter()
    for item in continuation_items(TEST):
        right = set(item.choices[item.label].values.values())
        places.update(
            i for i, one in enumerate(item.statements) if right <= set(one.values.values())
        )
    assert min(places[place] for place in range(3)) > 40


def test_training_and_development_share_no_right_choice() -> None:
    english = load_language("en")
    right = [
        {e.choices[e.label or 0] for e in continuation_examples(part, english)}
        for part in (
            Part("hellaswag", "train", "train", 1200),
            Part("hellaswag", "dev", "train", 150),
        )
    ]
    assert not right[0] & right[1]

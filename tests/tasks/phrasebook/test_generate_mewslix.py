"""Mentions and entities: one entity each, described in languages in turn."""

from collections import Counter

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_mewslix import mewslix_examples
from dstilts.tasks.phrasebook.generator import Part

TEST = Part("mewslix", "test", "test", 120)


@pytest.mark.parametrize("code", available_languages())
def test_every_mention_has_its_entity(code: str) -> None:
    examples = mewslix_examples(TEST, load_language(code))
    mentions = [e for e in examples if e.side == "source"]
    pool = {e.id: e for e in examples if e.side == "target"}
    assert len(mentions) == len({e.text for e in mentions}) == 120
    assert len({e.text for e in pool.values()}) == len(pool) > 50
    for mention in mentions:
        (match,) = mention.matches
        assert match in pool
        name = mention.text.partition(": ")[0]
        assert mention.text.count(f"{{ {name} }}") == 1


def test_the_pool_is_the_same_for_all_and_in_many_languages() -> None:
    pools = [
        [e for e in mewslix_examples(TEST, load_language(code)) if e.side == "target"]
        for code in ("en", "th")
    ]
    assert pools[0] == pools[1]
    english = sum("works as" in e.text or "is open" in e.text for e in pools[0])
    assert english <= 3


def test_the_sentence_tells_who_is_meant() -> None:
    # In English: the entities of one name are told apart by their jobs.
    train = mewslix_examples(Part("mewslix", "train", "train", 600), load_language("en"))
    by_id = {e.id: e for e in train}
    assert len(by_id) == len(train) == 1200
    jobs = 0
    for mention in (e for e in train if e.side == "source"):
        (match,) = mention.matches
        entity = by_id[match]
        assert entity.matches == (mention.id,)
        name, _, fact = entity.text.partition(": ")
        assert mention.text.startswith(f"{name}: ")
        if " works as " in fact:
            jobs += 1
            assert mention.text.endswith(fact.partition(" works as ")[2])
    assert jobs == 300


def test_no_entity_takes_most_mentions() -> None:
    examples = mewslix_examples(TEST, load_language("en"))
    counts = Counter(e.matches[0] for e in examples if e.side == "source")
    assert len(counts) > 40
    assert max(counts.values()) < 10

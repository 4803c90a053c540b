"""Paraphrase pairs: balance, and neither text alone tells the label."""

from collections import Counter, defaultdict

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_paraphrase import paraphrase_examples, paraphrase_pairs
from dstilts.tasks.phrasebook.generator import Filled, Part
from dstilts.tasks.phrasebook.plan import Clause, load_plan

TRAIN = Part("qqp", "train", "train", 1200)
DEV = Part("qqp", "dev", "train", 150)
OTHER_TRAIN = Part("pawsx", "train", "train", 1200)
TEST = Part("pawsx", "test", "test", 200)
TEST_DEV = Part("pawsx", "dev", "test", 100)


def pairs(part: Part) -> set[frozenset[str]]:
    examples = paraphrase_examples(part, load_language("en"))
    return {frozenset((e.text_a, e.text_b)) for e in examples}


def says(clause: Clause, statement: Filled, other: Filled) -> bool:
    """Whether `other` is the clause, said of what the statement speaks of."""
    for slot, ref in other.values.items():
        name = clause.renamed.get(slot, slot)
        known = statement.values
        if known[name] != ref if name in known else ref in known.values():
            return False
    return clause.frame == other.frame


@pytest.mark.parametrize("code", available_languages())
def test_every_first_text_stands_once_under_each_label(code: str) -> None:
    examples = paraphrase_examples(TEST, load_language(code))
    assert len(examples) == len({e.id for e in examples}) == TEST.size
    labels: dict[str, Counter[str | None]] = defaultdict(Counter)
    for example in examples:
        labels[example.text_a][example.label] += 1
        assert example.text_a != example.text_b, example
    assert all(counts["0"] == counts["1"] for counts in labels.values())
    assert len({(e.text_a, e.text_b) for e in examples}) == len(examples)


@pytest.mark.parametrize("code", ["de", "zh", "sw", "tr"])
def test_the_pairs_are_the_same_in_every_language(code: str) -> None:
    english = paraphrase_examples(TEST, load_language("en"))
    other = paraphrase_examples(TEST, load_language(code))
    assert [(e.id, e.label) for e in english] == [(e.id, e.label) for e in other]


@pytest.mark.parametrize("part", [TRAIN, OTHER_TRAIN, TEST])
def test_no_frame_of_the_second_text_tells_the_label(part: Part) -> None:
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for _, triple, label in paraphrase_pairs(part):
        counts[triple.others[label].frame][label] += 1
    for frame, labels in counts.items():
        assert abs(labels[0] - labels[1]) <= 0.3 * labels.total(), (frame, labels)


@pytest.mark.parametrize("part", [TRAIN, TEST])
def test_the_label_is_that_of_the_plan(part: Part) -> None:
    groups = {group.name: group for group in load_plan().paraphrases}
    for _, triple, label in paraphrase_pairs(part):
        group = groups[triple.name]
        other = triple.others[label]
        same = any(says(clause, triple.statement, other) for clause in group.same)
        different = any(says(clause, triple.statement, other) for clause in group.other)
        assert (different, same) == ((False, True) if label else (True, False)), triple


def test_english_pairs_are_what_they_should_be() -> None:
    seen: Counter[int] = Counter()
    for example in paraphrase_examples(TEST, load_language("en")):
        _, _, name, label = example.id.split("-")
        one, other = example.text_a[:-1].split(), example.text_b[:-1].split()
        assert label == example.label
        if name == "height":  # "A is taller than B": the order and the word turn it, each alone
            turned = (one[0] != other[0]) + ("taller" not in other)
            assert example.label == str(int(turned == 2)), example
            seen[turned] += 1
    assert min(seen[1], seen[2]) > 0


def test_held_out_frames_stay_out_of_training() -> None:
    held_out = load_plan().held_out
    for part, found in ((TRAIN, False), (OTHER_TRAIN, False), (TEST, True)):
        frames = {t.statement.frame for _, t, _ in paraphrase_pairs(part)}
        assert bool(frames & held_out) is found


def test_splits_share_no_pair_in_either_order() -> None:
    training = pairs(TRAIN) | pairs(OTHER_TRAIN)
    assert len(training) > 1200
    assert training.isdisjoint(pairs(DEV))
    assert pairs(TEST).isdisjoint(pairs(TEST_DEV))
    assert (training | pairs(DEV)).isdisjoint(pairs(TEST) | pairs(TEST_DEV))


def test_the_same_pairs_at_every_call() -> None:
    english = load_language("en")
    first = paraphrase_examples(TEST, english)
    paraphrase_pairs.cache_clear()
    assert paraphrase_examples(TEST, english) == first

"""Paraphrases: balance, and nothing in one text or in the shared words that tells the label."""

from collections import Counter, defaultdict

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_paraphrase import paraphrase_examples, paraphrase_pairs
from dstilts.tasks.phrasebook.generator import Part

TEST = Part("pawsx", "test", "test", 200)
TRAIN = Part("qqp", "train", "train", 1200)


@pytest.mark.parametrize("code", available_languages())
def test_every_first_text_has_both_labels(code: str) -> None:
    examples = paraphrase_examples(TEST, load_language(code))
    assert len(examples) == len({example.id for example in examples}) == 200
    labels: dict[str, Counter[str | None]] = defaultdict(Counter)
    for example in examples:
        labels[example.text_a][example.label] += 1
        assert example.text_a != example.text_b
    assert all(counts["0"] == counts["1"] for counts in labels.values())
    assert len({frozenset((e.text_a, e.text_b)) for e in examples}) == 200


def test_the_pairs_are_the_same_in_every_language() -> None:
    english = paraphrase_examples(TEST, load_language("en"))
    swahili = paraphrase_examples(TEST, load_language("sw"))
    assert [(e.id, e.label) for e in english] == [(e.id, e.label) for e in swahili]


@pytest.mark.parametrize("part", [TRAIN, TEST])
def test_no_trivial_cue_tells_the_label(part: Part) -> None:
    second = Counter(
        (triple.others[label].frame, label) for _, triple, label in paraphrase_pairs(part)
    )
    for frame in {frame for frame, _ in second}:
        share = second[frame, 1] / (second[frame, 0] + second[frame, 1])
        assert 0.25 < share < 0.75, frame
    same_words = Counter(
        e.label
        for e in paraphrase_examples(part, load_language("en"))
        if sorted(e.text_a.lower().strip(".").split())
        == sorted(e.text_b.lower().strip(".").split())
    )
    assert 0.35 < same_words["0"] / same_words.total() < 0.65


def test_labels_are_right_in_english() -> None:
    opposite = {"taller": "shorter", "older": "younger", "earlier": "later"}
    opposite |= {after: before for before, after in opposite.items()}
    checked = 0
    for e in paraphrase_examples(TEST, load_language("en")):
        one, other = (text.rstrip(".").split() for text in (e.text_a, e.text_b))
        if "than" in one:
            swapped = (one[0], one[-1]) == (other[-1], other[0])
            assert (e.label == "1") == (swapped and other[2] == opposite[one[2]])
        elif "danced" in one and "On" not in one:
            assert (e.label == "1") == (("never" in one) == ("never" in other))
        elif "gave" in one or "got" in one:
            giver = [w[0] if "gave" in w else w[-1] for w in (one, other)]
            assert (e.label == "1") == (giver[0] == giver[1])
        else:
            continue
        checked += 1
    assert checked > 100


def test_no_pair_of_training_is_in_development_in_either_order() -> None:
    english = load_language("en")
    train = {frozenset((e.text_a, e.text_b)) for e in paraphrase_examples(TRAIN, english)}
    for other in (Part("qqp", "dev", "train", 150), Part("pawsx", "dev", "train", 150)):
        dev = {frozenset((e.text_a, e.text_b)) for e in paraphrase_examples(other, english)}
        assert len(dev) == 150
        assert not train & dev

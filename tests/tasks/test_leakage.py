"""What is evaluated is not trained on: which texts count as the same, and what is left out."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from dstilts.tasks.leakage import find_overlaps, overlap, without_leaks
from dstilts.tasks.local import LocalSource

# Of each kind: an example, the same text again with another id and gold, another text.
SAME_AND_OTHER: list[tuple[Example, Example, Example]] = [
    (
        PairExample("1", "A  man", "B", "neutral"),
        PairExample("x", "a man", "b ", "entailment"),
        PairExample("x", "a man", "c", "neutral"),
    ),
    (
        ChoiceExample("1", "", "Q", ("a", "b"), 0),
        ChoiceExample("x", "", "q", ("a", "b"), 1),
        ChoiceExample("x", "", "q", ("b", "a"), 1),
    ),
    (
        SpanExample("1", "c", "q", (Answer("c", 0),)),
        SpanExample("x", "c", "q", ()),
        SpanExample("x", "c", "r", (Answer("c", 0),)),
    ),
    (
        TaggingExample("1", ("Go", "on"), ("VERB", "ADV")),
        TaggingExample("x", ("go", "on"), ("NOUN", "ADV")),
        TaggingExample("x", ("goon",), ("NOUN",)),
    ),
    (
        SentenceExample("1", "a", "source", ("t",)),
        SentenceExample("x", "A", "target", ()),
        SentenceExample("x", "b", "source", ("t",)),
    ),
]


def some(*examples: Example, note: str | None = None) -> ExampleSet:
    return ExampleSet("any", "train", "en", "local", examples, subset=note)


@pytest.mark.parametrize(
    ("trained", "same", "other"), SAME_AND_OTHER, ids=lambda example: type(example).__name__
)
def test_the_whole_text_counts(trained: Example, same: Example, other: Example) -> None:
    assert overlap(some(trained), some(same)) == ["x"]
    assert overlap(some(trained), some(other)) == []


def test_what_is_left_out_is_counted() -> None:
    trained, same, other = SAME_AND_OTHER[0]
    training = some(trained, other, note="half")
    left = without_leaks(training, [some(same), some()])
    assert left.examples == (other,)
    assert left.subset == "half; less 1 that stand in an evaluation set"
    assert without_leaks(training, [some()]) is training
    with pytest.raises(UserError, match="every training example of any stands in an evaluation"):
        without_leaks(some(trained), [some(same)])


def test_a_question_goes_with_its_candidate() -> None:
    question = SentenceExample("q", "Who?", "source", ("c",))
    candidate = SentenceExample("c", "She.", "target", ())
    other = SentenceExample("q2", "Where?", "source", ("c2",))
    place = SentenceExample("c2", "Here.", "target", ())
    evaluated = some(SentenceExample("e", "she.", "target", ()))
    left = without_leaks(some(question, candidate, other, place), [evaluated])
    assert left.examples == (other, place)


def test_overlaps_are_counted_for_each_pair_of_sets() -> None:
    long = "the quick brown fox jumps over the lazy dog and then it runs away from here"
    trained = some(PairExample("1", long, "x", "neutral"), PairExample("2", "a", "b", "neutral"))
    raw = some(TextExample("1", "Go on!"))
    evaluated = some(
        PairExample("e1", "A", "B", "entailment"),  # the whole text
        PairExample("e2", f"He said {long}", "y", "entailment"),  # a long run of it
        PairExample("e3", "the quick brown fox", "y", "entailment"),  # a short one
    )
    tagged = some(TaggingExample("t", ("Go", "on", "!"), ("VERB", "ADV", "PUNCT")))
    found = list(find_overlaps([trained, raw], [evaluated, tagged]))
    assert [(o.exact, o.runs, o.num_examples) for o in found] == [
        (1, 1, 3),
        (0, 0, 3),
        (0, 0, 1),
        (1, 0, 1),
    ]
    assert [o.leaks for o in found] == [True, False, False, True]


def test_a_quotation_is_no_leak() -> None:
    long = "the quick brown fox jumps over the lazy dog and then it runs away from here"
    trained = some(PairExample("1", long, "x", "neutral"))
    others = [PairExample(f"e{number}", "p", f"h{number}", "neutral") for number in range(60)]
    (overlap_,) = find_overlaps([trained], [some(PairExample("q", long, "h", "neutral"), *others)])
    assert (overlap_.runs, overlap_.leaks) == (1, False)


@pytest.mark.data
def test_question_answering_shares_no_context_either(data_folder: Path) -> None:
    source = LocalSource(data_folder)

    def contexts(name: str, split: str) -> set[str]:
        examples = source.load(name, split, "en").examples
        return {example.context for example in examples if isinstance(example, SpanExample)}

    for evaluated in (("xquad", "test"), ("squad_v1", "dev")):
        assert contexts(*evaluated)
        assert not contexts("squad_v1", "train") & contexts(*evaluated)
    assert not contexts("tydiqa", "train") & contexts("tydiqa", "dev")

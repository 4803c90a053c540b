"""Few-shot mixes: what training gets, evaluation loses, in every language."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstilts.core.errors import UserError
from dstilts.tasks.examples import (
    Answer,
    ExampleSet,
    PairExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from dstilts.tasks.transform.few_shot import (
    FewShot,
    chosen_sets,
    held_out,
    split_off,
    with_few_shot,
    without,
)
from tests.tasks.transform.conftest import FakeSource, MakeSet

LABELS = ("entailment", "neutral", "contradiction")
XNLI = FewShot("xnli", ("de", "fr"), 6)


def xnli(language: str, split: str = "dev", count: int = 30) -> ExampleSet:
    examples = tuple(
        PairExample(str(n), f"{split} {language} {n}", "b", LABELS[n % 3]) for n in range(count)
    )
    return ExampleSet("xnli", split, language, "local", examples)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyyy")), max_size=30),
    st.integers(1, 10),
    st.integers(0, 3),
)
def test_training_and_evaluation_are_disjoint(
    rows: list[tuple[str, str]], number: int, seed: int
) -> None:
    examples = tuple(PairExample(str(n), text, "b", label) for n, (text, label) in enumerate(rows))
    evaluation = ExampleSet("xnli", "dev", "de", "local", examples)
    try:
        chosen, rest = split_off(evaluation, FewShot("xnli", ("de",), number, seed=seed))
    except UserError:
        assert number >= len({text for text, _ in rows})
        return
    assert len(chosen) == number
    assert not {e.id for e in chosen.examples} & {e.id for e in rest.examples}
    texts = [{e.text_a for e in s.examples if isinstance(e, PairExample)} for s in (chosen, rest)]
    assert not texts[0] & texts[1]


def test_labels_are_balanced_and_items_parallel() -> None:
    chosen = [split_off(xnli(code), XNLI)[0] for code in ("de", "fr")]
    ids = [[e.id for e in each.examples] for each in chosen]
    assert ids[0] == ids[1] == sorted(ids[0], key=int)
    count = Counter(e.label for e in chosen[0].examples if isinstance(e, PairExample))
    assert set(count.values()) == {2}
    other = split_off(xnli("de"), FewShot("xnli", ("de",), 6, seed=2))[0]
    assert [e.id for e in other.examples] != ids[0]
    assert chosen[0].subset == "6 of 30, drawn with seed 1"


def test_a_scarce_label_gives_what_it_has() -> None:
    examples = [PairExample(str(n), str(n), "b", "x" if n else "y") for n in range(20)]
    evaluation = ExampleSet("xnli", "dev", "de", "local", tuple(examples))
    chosen, _ = split_off(evaluation, FewShot("xnli", ("de",), 6))
    assert "0" in {example.id for example in chosen.examples}
    assert len(chosen) == 6


def test_questions_about_the_same_context_go_too(make_set: MakeSet) -> None:
    questions = [
        SpanExample(str(n), f"context {n // 5}", f"q {n}", (Answer("context", 0),))
        for n in range(20)
    ]
    chosen, rest = split_off(make_set("xquad", questions, "test", "de"), FewShot("x", ("de",), 1))
    assert (len(chosen), len(rest)) == (1, 15)
    assert rest.subset == "less 5 given to training (few-shot)"


def test_unlabelled_examples_are_not_chosen(make_set: MakeSet) -> None:
    tagged = TaggingExample("1", ("a",), ("X",))
    bare = [TaggingExample(str(n), (f"w{n}",), ()) for n in range(2, 9)]
    evaluation = make_set("udpos", [*bare, tagged], "dev", "de")
    chosen, _ = split_off(evaluation, FewShot("udpos", ("de",), 1))
    assert chosen.examples == (tagged,)
    with pytest.raises(UserError, match="1 labelled examples in the dev split of udpos"):
        split_off(evaluation, FewShot("udpos", ("de",), 2))
    with pytest.raises(UserError, match="are for tasks with labels"):
        split_off(make_set("mlm", [TextExample("1", "a")]), FewShot("mlm", ("de",), 1))


def test_none_left_for_evaluation() -> None:
    with pytest.raises(UserError, match="is left for evaluation; take fewer"):
        split_off(xnli("de", count=6), XNLI)


def test_training_gets_them(make_set: MakeSet, make_source: Callable[..., FakeSource]) -> None:
    source = make_source(xnli("de"), xnli("fr"))
    training = make_set("mnli", [PairExample("1", "a", "b", "neutral")], subset="own split")
    mixed = with_few_shot(training, chosen_sets(XNLI, source), XNLI)
    assert len(mixed) == 13
    assert mixed.examples[1].id.startswith("xnli-dev-de-")
    assert mixed.language == "mul"
    assert mixed.subset == ("own split; with dev examples of xnli, drawn with seed 1: de 6, fr 6")
    # Of the same head and labels, though XNLI names MNLI.
    snli = make_set("snli", training.examples)
    assert len(with_few_shot(snli, chosen_sets(XNLI, source), XNLI)) == 13
    with pytest.raises(UserError, match="xnli gives no examples to the training of pawsx"):
        with_few_shot(make_set("pawsx", training.examples), chosen_sets(XNLI, source), XNLI)


def test_every_language_leaves_them_out(make_source: Callable[..., FakeSource]) -> None:
    test = xnli("de", "test")
    few = {e.id for e in split_off(xnli("de"), XNLI)[0].examples}
    same = PairExample("t", f"dev de {min(few)}", "b", "neutral")
    test = ExampleSet("xnli", "test", "de", "local", (*test.examples, same))
    source = make_source(xnli("de"), xnli("fr"), xnli("sw"), test, xnli("sw", "test"))
    found = held_out(XNLI, source)
    assert found == {
        ("dev", "de"): few,
        ("dev", "fr"): few,
        ("dev", "sw"): few,
        ("test", "de"): {"t"},
    }
    rest = without(xnli("sw"), found["dev", "sw"])
    assert len(rest) == 24
    assert rest.subset == "less 6 given to training (few-shot)"
    whole = xnli("sw", "test")
    assert without(whole, frozenset()) is whole


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": ()}, "languages must not be empty"),
        ({"languages": ("de", "de")}, "languages must be different"),
        ({"examples": 0}, "examples must be greater than 0"),
    ],
)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FewShot(**{"task": "xnli", "languages": ("de",), "examples": 1, **options})

"""The examples of a comparison: lengths of the real tasks, labels that can be learned."""

import numpy as np
import pytest

from dstilts.bench.examples import LENGTHS, make_sets, read_sets
from dstilts.core.errors import UserError
from dstilts.tasks.examples import PairExample, SpanExample


@pytest.mark.parametrize("task", ["mnli", "qqp"])
def test_made_up_pairs_have_the_lengths(task: str) -> None:
    training, _ = make_sets(task, 2000, 0, seed=1)
    pairs = [e for e in training.examples if isinstance(e, PairExample)]
    words = [[len(e.text_a.split()), len(e.text_b.split())] for e in pairs]
    logarithms = np.log(np.array(words))
    (first, _), (second, _) = LENGTHS[task]
    assert logarithms.mean(axis=0) == pytest.approx([first, second], abs=0.06)
    # No two labels have a word of the second text in common.
    words_of: dict[object, set[str]] = {}
    for e in pairs:
        words_of.setdefault(e.label, set()).update(e.text_b.split())
    assert len(words_of) > 1
    assert sum(map(len, words_of.values())) == len(set.union(*words_of.values()))


def test_made_up_answers_are_where_they_say() -> None:
    training, held_out = make_sets("squad_v1", 20, 10, seed=1)
    for example in (*training.examples, *held_out.examples):
        assert isinstance(example, SpanExample)
        (answer,) = example.answers
        assert example.context[answer.start :].split()[0] == answer.text
    assert not {e.id for e in training.examples} & {e.id for e in held_out.examples}


def test_seeds_differ_and_repeat() -> None:
    assert make_sets("mnli", 5, 5, seed=1) == make_sets("mnli", 5, 5, seed=1)
    assert make_sets("mnli", 5, 5, seed=1) != make_sets("mnli", 5, 5, seed=2)


def test_the_phrasebook_is_read_without_data() -> None:
    training, held_out = read_sets("mnli", None, 30, 10, seed=1)
    assert (training.source, len(training), len(held_out)) == ("phrasebook", 30, 10)
    assert held_out.split == "train"  # is encoded with what a loss is made from
    assert not {repr(e) for e in training.examples} & {repr(e) for e in held_out.examples}


def test_too_few_examples() -> None:
    with pytest.raises(UserError, match="examples of 'mnli' to train on; --examples"):
        read_sets("mnli", None, 10_000_000, 10, seed=1)

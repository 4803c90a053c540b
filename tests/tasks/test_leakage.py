"""What is evaluated is not trained on: which texts count as the same, and what is left out."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.leakage import overlap, training_set, without_leaks
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


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_training_set_is_cleared_of_every_language_of_every_task_it_trains(
    tmp_path: Path,
) -> None:
    write(tmp_path, "udpos/xtreme/train-en.tsv", "Hi\tINTJ\n\nGo\tVERB\non\tADV\n\nNo\tINTJ\n")
    write(tmp_path, "udpos/xtreme/test-de.tsv", "hi\tINTJ\n")
    write(tmp_path, "udpos/xtreme/dev-en.tsv", "no\tINTJ\n")
    training = training_set(LocalSource(tmp_path), "udpos")
    assert [example.words for example in training.examples] == [("Go", "on")]
    assert training.subset == "less 2 that stand in an evaluation set"
    rows = ("a", "b", "c", "d")
    lines = [f'{{"gold_label": "neutral", "sentence1": "p", "sentence2": "{row}"}}' for row in rows]
    write(tmp_path, "mnli/multinli_1.0_train.jsonl", "\n".join(lines))
    write(tmp_path, "xnli/dev-en.tsv", "P\tc\tneutral\n")
    assert len(training_set(LocalSource(tmp_path), "mnli")) == 3


def test_a_changed_folder_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "udpos/xtreme/train-en.tsv", "Hi\tINTJ\n")
    source = LocalSource(tmp_path)
    assert training_set(source, "udpos") is training_set(source, "udpos")
    write(tmp_path, "udpos/xtreme/train-en.tsv", "Hi\tINTJ\n\nGo\tVERB\n")
    assert len(training_set(source, "udpos")) == 2


@pytest.mark.data
def test_no_training_set_shares_a_text_with_what_it_is_evaluated_on(data_folder: Path) -> None:
    source = LocalSource(data_folder)
    for name, spec in TASKS.items():
        if spec.train_task is not None and source.languages(spec.train_task, "train"):
            training = training_set(source, spec.train_task)
            for split in ("dev", "test"):
                # All languages would take a minute; what English texts share is in few of them.
                for language in {"de", "en"}.intersection(source.languages(name, split)):
                    assert not overlap(training, source.load(name, split, language))


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

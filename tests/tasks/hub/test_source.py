"""The hub's tables, made up here with the columns and features of the real ones: no network."""

from collections.abc import Sequence
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, Value
from datasets import Sequence as ListOf

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS, UPOS
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    Example,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from dstilts.tasks.hub.source import HubSource
from dstilts.tasks.hub.tables import HUB_TABLES, NOT_ON_THE_HUB

TEXT, NUMBER = Value("string"), Value("int32")
NLI = ClassLabel(names=["entailment", "neutral", "contradiction"])
ANSWERS = {"text": ListOf(TEXT), "answer_start": ListOf(NUMBER)}
SPAN = {"id": TEXT, "title": TEXT, "context": TEXT, "question": TEXT, "answers": ANSWERS}
ENTITIES = ClassLabel(names=["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"])

ONE = {"text": ["cat"], "answer_start": [2]}
SPAN_ROW = {"id": "q1", "title": "T", "context": "A cat", "question": "Who?", "answers": ONE}
GOLD = SpanExample("q1", "A cat", "Who?", (Answer("cat", 2),), domain="T")
COPA = {"premise": TEXT, "choice1": TEXT, "choice2": TEXT, "question": TEXT, "label": NUMBER}
COPA_ROW = {"premise": "P", "choice1": "a", "choice2": "b", "question": "cause", "label": 1}

# By task: the features of its table, rows, and what the rows are read as.
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[Example]]] = {
    "mnli": (
        {"pairID": TEXT, "premise": TEXT, "hypothesis": TEXT, "genre": TEXT, "label": NLI},
        [
            {"pairID": "1c", "premise": "A", "hypothesis": "B", "genre": "fiction", "label": 2},
            {"pairID": "2e", "premise": "C", "hypothesis": "D", "genre": "travel", "label": 0},
        ],
        [
            PairExample("1c", "A", "B", "contradiction", "fiction"),
            PairExample("2e", "C", "D", "entailment", "travel"),
        ],
    ),
    "snli": (
        {"premise": TEXT, "hypothesis": TEXT, "label": NLI},
        [
            {"premise": "A", "hypothesis": "B", "label": -1},
            {"premise": "A", "hypothesis": "B", "label": 1},
        ],
        [PairExample("2", "A", "B", "neutral")],
    ),
    "xnli": (
        {"premise": TEXT, "hypothesis": TEXT, "label": NLI},
        [{"premise": "A", "hypothesis": "B", "label": 1}],
        [PairExample("1", "A", "B", "neutral")],
    ),
    "qqp": (
        {
            "question1": TEXT,
            "question2": TEXT,
            "label": ClassLabel(names=["not_duplicate", "duplicate"]),
            "idx": NUMBER,
        },
        [{"question1": "A", "question2": "B", "label": 1, "idx": 7}],
        [PairExample("7", "A", "B", "1")],
    ),
    "pawsx": (
        {"id": NUMBER, "sentence1": TEXT, "sentence2": TEXT, "label": ClassLabel(names=["0", "1"])},
        [{"id": 5, "sentence1": "A", "sentence2": "B", "label": 0}],
        [PairExample("5", "A", "B", "0")],
    ),
    "squad_v1": (SPAN, [SPAN_ROW], [GOLD]),
    "squad_v2": (
        SPAN,
        [SPAN_ROW, {**SPAN_ROW, "id": "q2", "answers": {"text": [], "answer_start": []}}],
        [GOLD, SpanExample("q2", "A cat", "Who?", (), answerable=False, domain="T")],
    ),
    "xquad": (SPAN, [SPAN_ROW], [GOLD]),
    "mlqa": (SPAN, [SPAN_ROW], [GOLD]),
    "tydiqa": (
        SPAN,
        [{**SPAN_ROW, "id": "swahili-1"}, {**SPAN_ROW, "id": "english-2"}],
        [SpanExample("english-2", "A cat", "Who?", (Answer("cat", 2),), domain="T")],
    ),
    "hellaswag": (
        {
            "ind": NUMBER,
            "activity_label": TEXT,
            "ctx_a": TEXT,
            "ctx_b": TEXT,
            "endings": ListOf(TEXT),
            "label": TEXT,
        },
        [
            {
                "ind": 4,
                "activity_label": "Roof",
                "ctx_a": "A man sits.",
                "ctx_b": "he",
                "endings": ["runs.", "sleeps.", "sings.", "eats."],
                "label": "3",
            }
        ],
        [
            ChoiceExample(
                "4",
                "A man sits.",
                "",
                ("he runs.", "he sleeps.", "he sings.", "he eats."),
                3,
                "Roof",
            )
        ],
    ),
    "cosmosqa": (
        {"id": TEXT, "context": TEXT, "question": TEXT, "label": NUMBER}
        | {f"answer{index}": TEXT for index in range(4)},
        [
            {"id": "x", "context": "C", "question": "Q", "label": 2}
            | {f"answer{index}": str(index) for index in range(4)}
        ],
        [ChoiceExample("x", "C", "Q", ("0", "1", "2", "3"), 2)],
    ),
    "commonsenseqa": (
        {
            "id": TEXT,
            "question": TEXT,
            "question_concept": TEXT,
            "choices": {"label": ListOf(TEXT), "text": ListOf(TEXT)},
            "answerKey": TEXT,
        },
        [
            {
                "id": "x",
                "question": "Q",
                "question_concept": "dog",
                "choices": {"label": list("ABCDE"), "text": list("vwxyz")},
                "answerKey": "C",
            }
        ],
        [ChoiceExample("x", "", "Q", tuple("vwxyz"), 2, "dog")],
    ),
    "socialiqa": (
        {"context": TEXT, "question": TEXT, "label": TEXT}
        | {f"answer{letter}": TEXT for letter in "ABC"},
        [{"context": "C", "question": "Q", "label": "1"} | {f"answer{c}": c for c in "ABC"}],
        [ChoiceExample("1", "C", "Q", ("A", "B", "C"), 0)],
    ),
    "copa": (
        COPA | {"label": ClassLabel(names=["choice1", "choice2"])},
        [COPA_ROW],
        [ChoiceExample("1", "P", "What was the cause?", ("a", "b"), 1)],
    ),
    "xcopa": (
        COPA,
        [COPA_ROW | {"question": "effect", "label": 0}],
        [ChoiceExample("1", "P", "What was the effect?", ("a", "b"), 0)],
    ),
    "udpos": (
        {"tokens": ListOf(TEXT), "pos_tags": ListOf(ClassLabel(names=list(UPOS)))},
        [{"tokens": ["Go", "!"], "pos_tags": [UPOS.index("VERB"), UPOS.index("PUNCT")]}],
        [TaggingExample("1", ("Go", "!"), ("VERB", "PUNCT"))],
    ),
    "panx": (
        {"tokens": ListOf(TEXT), "ner_tags": ListOf(ENTITIES)},
        [{"tokens": ["In", "New", "York"], "ner_tags": [0, 5, 6]}],
        [TaggingExample("1", ("In", "New", "York"), ("O", "B-LOC", "I-LOC"))],
    ),
    "tatoeba": (
        {"source_sentence": TEXT, "target_sentence": TEXT},
        [{"source_sentence": "Ja.", "target_sentence": "Yes."}],
        [
            SentenceExample("source-1", "Ja.", "source", ("target-1",)),
            SentenceExample("target-1", "Yes.", "target", ("source-1",)),
        ],
    ),
    "mlm": ({"text": TEXT}, [{"text": "A text."}], [TextExample("1", "A text.")]),
}


def hub(features: dict[str, Any], rows: Sequence[dict[str, Any]]) -> tuple[HubSource, list[Any]]:
    """A hub whose every table is the same, and the calls it got."""
    calls: list[Any] = []

    def load(*what: Any) -> Dataset:
        calls.append(what)
        return Dataset.from_list(list(rows), features=Features(features))

    return HubSource(load), calls


@pytest.mark.parametrize("name", sorted(CASES))
def test_rows_become_examples(name: str) -> None:
    features, rows, expected = CASES[name]
    source, _ = hub(features, rows)
    spec = TASKS[name]
    split = spec.eval_split if spec.eval_split in HUB_TABLES[name].splits else "dev"
    language = "en" if "en" in source.languages(name, split) else spec.languages[0]
    examples = source.load(name, split, language)
    assert list(examples.examples) == expected
    assert examples.source == "hub"
    assert (examples.task, examples.split, examples.language) == (name, split, language)


def test_every_task_is_there_or_says_why_not() -> None:
    known = {*HUB_TABLES, *NOT_ON_THE_HUB, *(spec.name for spec in TASKS.values() if spec.parts)}
    assert known == set(TASKS)
    assert set(CASES) == set(HUB_TABLES) - {"anli"}  # which has a test of its own
    with pytest.raises(UserError, match=r"bucc2018 is not on the hub: .* gold pairs alone"):
        HubSource().load("bucc2018", "test", "de")


def test_rounds_are_joined_under_their_names() -> None:
    features = {"uid": TEXT, "premise": TEXT, "hypothesis": TEXT, "label": NLI}
    row = {"uid": "u", "premise": "A", "hypothesis": "B", "label": 0}
    source, calls = hub(features, [row])
    examples = source.load("anli", "dev", "en")
    assert [example.id for example in examples.examples] == ["dev_r1-u", "dev_r2-u", "dev_r3-u"]
    assert [call[2] for call in calls] == ["dev_r1", "dev_r2", "dev_r3"]
    assert examples.files[0] == "facebook/anli:dev_r1"


@pytest.mark.parametrize(
    ("name", "language", "config"),
    [
        ("udpos", "de", "udpos.German"),
        ("udpos", "zh", "udpos.Chinese"),
        ("udpos", "af", "udpos.Afrikans"),
        ("tatoeba", "de", "tatoeba.deu"),
        ("tatoeba", "zh", "tatoeba.cmn"),
        ("xquad", "ro", "xquad.ro"),
        ("mlqa", "vi", "mlqa.vi.vi"),
        ("panx", "wo", None),
    ],
)
def test_languages_name_configurations(name: str, language: str, config: str | None) -> None:
    source, calls = hub(*CASES[name][:2])
    if config is None:
        with pytest.raises(UserError, match="no 'test' split of panx in 'wo'"):
            source.load(name, "test", language)
    else:
        source.load(name, "test", language)
        assert calls[0][1] == config


def test_training_is_on_english() -> None:
    source, _ = hub(*CASES["tydiqa"][:2])
    assert source.languages("tydiqa", "train") == ("en",)
    assert [example.id for example in source.load("tydiqa", "train", "en").examples] == [
        "english-2"
    ]
    assert len(source.languages("mlm", "train")) > 40


def test_a_changed_table_is_named() -> None:
    source, _ = hub({"premise": TEXT}, [{"premise": "A"}])
    with pytest.raises(
        UserError, match=r"facebook/xnli \(de, test\) lacks the column 'hypothesis'"
    ):
        source.load("xnli", "test", "de")


def test_an_unknown_label_names_the_row() -> None:
    labels = ClassLabel(names=["yes", "no"])
    source, _ = hub(
        {"premise": TEXT, "hypothesis": TEXT, "label": labels},
        [{"premise": "A", "hypothesis": "B", "label": 0}],
    )
    with pytest.raises(UserError, match="row 1: unknown label 'yes'"):
        source.load("xnli", "test", "de")


def test_an_answer_that_is_not_there_is_named() -> None:
    row = {**SPAN_ROW, "answers": {"text": ["dog"], "answer_start": [2]}}
    source, _ = hub(SPAN, [row])
    with pytest.raises(UserError, match="an answer of question 'q1' is not where its row says"):
        source.load("xquad", "test", "de")


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(UserError) as caught:
        HubSource().load("xnli", "test", "de")
    assert str(caught.value).splitlines() == [str(caught.value)]
    assert "ConnectionError: no route" in str(caught.value)

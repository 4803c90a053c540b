"""What is written is scored as our own scorer scores it, for every target task."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS, TaskSpec, task
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.metrics.score import score
from dstilts.tasks.submission.scores import file_scores
from dstilts.tasks.submission.write import is_written, write_labels, write_submission

TARGETS = [name for name, spec in TASKS.items() if is_written(spec)]
WORDS = 'der die Hund Katze, \u5317\u4eac \u2028 \u00a0 \t the a \u0627\u0644 x.y "z" \\'.split(" ")
Made = tuple[list[Any], dict[str, Any]]


def pairs(spec: TaskSpec, draw: random.Random) -> Made:
    labels = spec.labels
    examples = [PairExample(f"p{i}", "a", "b", draw.choice(labels)) for i in range(20)]
    return examples, {e.id: draw.choice(labels) for e in examples}


def choices(spec: TaskSpec, draw: random.Random) -> Made:
    examples = [ChoiceExample(f"c{i}", "a", "?", ("x", "y"), draw.randrange(2)) for i in range(20)]
    return examples, {e.id: draw.randrange(2) for e in examples}


def tagged(spec: TaskSpec, draw: random.Random) -> Made:
    examples = []
    for number in range(20):
        tags = tuple(draw.choices(spec.labels, k=draw.randint(1, 6)))
        examples.append(TaggingExample(f"t{number}", tags, tags))
    noise = {
        e.id: [tag if draw.random() < 0.7 else draw.choice(spec.labels) for tag in e.tags]
        for e in examples
    }
    return examples, noise


def answers(spec: TaskSpec, draw: random.Random) -> Made:
    examples, predictions = [], {}
    for number in range(20):
        context = " ".join(draw.choices(WORDS, k=12))
        # Several questions of one context, with one to three answers each.
        for place in range(2):
            name = f"q{number}-{place}"
            start = draw.randrange(len(context) - 4)
            ends = [start + draw.randint(1, 9) for _ in range(draw.randint(1, 3))]
            texts = [context[start:end] for end in ends]
            gold = tuple(Answer(text, start) for text in texts)
            examples.append(SpanExample(name, context, "?", gold))
            if draw.random() < 0.9:
                predictions[name] = draw.choice([*texts, " ".join(draw.choices(WORDS, k=3))])
    draw.shuffle(examples)
    return examples, predictions


def parallel(spec: TaskSpec, draw: random.Random) -> Made:
    number = 20
    examples = [SentenceExample(f"x{i}", str(i), "source", (f"e{i}",)) for i in range(number)]
    for i in range(number):
        # The fifth matches two sentences of the other side.
        matches = (f"x{i}", "x7") if i == 5 else (f"x{i}",)
        examples.append(SentenceExample(f"e{i}", f"{draw.random()}", "target", matches))
    sides = {
        "source": [e.id for e in examples[:number]],
        "target": [e.id for e in examples[number:]],
    }
    predictions = {}
    for example in examples:
        other = sides["target" if example.side == "source" else "source"]
        right = draw.random() < 0.5
        predictions[example.id] = draw.choice(example.matches) if right else draw.choice(other)
    return examples, predictions


def mined(spec: TaskSpec, draw: random.Random) -> Made:
    examples = [
        SentenceExample(f"x{i}", str(i), "source", tuple(f"e{i}" for _ in range(i % 3 > 0)))
        for i in range(20)
    ]
    examples += [SentenceExample(f"e{i}", str(i), "target", ()) for i in range(20)]
    predictions: dict[str, Any] = {
        f"x{i}": [f"e{i if draw.random() < 0.7 else 0}", draw.uniform(1, 2)] for i in range(15)
    }
    return examples, {**predictions, "threshold": 1.3}


def ranked(spec: TaskSpec, draw: random.Random) -> Made:
    pool = [f"c{i}" for i in range(40)]
    examples = [
        SentenceExample(f"q{i}", "a", "source", tuple(draw.sample(pool, draw.randint(1, 11))))
        for i in range(10)
    ]
    predictions = {e.id: draw.sample(pool, 20) for e in examples[:-1]}
    return [*examples, *(SentenceExample(name, "b", "target", ()) for name in pool)], predictions


MAKERS: dict[str, Callable[[TaskSpec, random.Random], Made]] = {
    "pair": pairs,
    "choice": choices,
    "tagging": tagged,
    "span": answers,
    "nearest": parallel,
    "mining": mined,
    "ranking": ranked,
}


def made(name: str) -> tuple[ExampleSet, dict[str, Any]]:
    spec = task(name)
    language = spec.languages[-1]
    examples, predictions = MAKERS[spec.protocol or spec.kind](spec, random.Random(name))
    return ExampleSet(name, "test", language, "local", tuple(examples)), predictions


@pytest.mark.parametrize("name", TARGETS)
def test_the_same_scores_as_our_own(name: str, tmp_path: Path) -> None:
    spec, (examples, predictions) = task(name), made(name)
    labels = write_labels(tmp_path / "labels", spec, examples)
    written = write_submission(tmp_path / "predictions", spec, examples, predictions)
    assert written.parent == tmp_path / "predictions" / name
    assert labels.name == written.name
    found = file_scores(spec, examples.language, written, labels).metrics
    own = score(spec, examples, predictions)
    assert {metric: own[metric] for metric in found} == pytest.approx(found, abs=1e-9)
    assert 5 < found[spec.main_metric] < 95, "a case that tells something"
    assert spec.main_metric in found


@pytest.mark.parametrize("name", TARGETS)
def test_perfect_predictions(name: str, tmp_path: Path) -> None:
    """Labels as predictions are all right: both are written in the same order."""
    spec, (examples, _) = task(name), made(name)
    if spec.kind == "span":
        gold: dict[str, Any] = {e.id: e.answers[0].text for e in examples.examples}
    elif spec.protocol == "mining":
        gold = {e.id: [e.matches[0], 2.0] for e in examples.examples if e.matches}
        gold["threshold"] = 1.0
    elif spec.protocol:
        gold = {e.id: e.matches for e in examples.examples}
        if spec.protocol == "nearest":
            gold = {name: matches[0] for name, matches in gold.items()}
    else:
        gold = {e.id: e.tags if spec.kind == "tagging" else e.label for e in examples.examples}
    labels = write_labels(tmp_path / "labels", spec, examples)
    written = write_submission(tmp_path / "predictions", spec, examples, gold)
    found = file_scores(spec, examples.language, written, labels)
    # The F1 of an answer of which the normalizer leaves nothing is 0.
    whole = {name for name in found.metrics if spec.kind != "span" or name == "exact_match"}
    assert {found.metrics[name] for name in whole} == {100.0}
    assert found.num_unanswered == 0


def test_english_sentences_are_sorted_as_in_the_official_files(tmp_path: Path) -> None:
    sides = [("source", ["eins", "zwei", "drei"]), ("target", ["one", "two", "a third"])]
    examples = ExampleSet(
        "tatoeba",
        "test",
        "de",
        "local",
        tuple(
            SentenceExample(f"{side}-{i}", text, side, (f"{other}-{i}",))
            for (side, texts), other in zip(sides, ("target", "source"), strict=True)
            for i, text in enumerate(texts)
        ),
    )
    path = write_labels(tmp_path, task("tatoeba"), examples)
    assert path.read_text() == "2\n0\n1\n", "places of drei, eins and zwei, from 0"


def test_formats(tmp_path: Path) -> None:
    examples = ExampleSet(
        "xcopa", "test", "et", "local", (ChoiceExample("1", "", "", ("a", "b"), 1),)
    )
    assert (
        write_submission(tmp_path, task("xcopa"), examples, {"1": 0}).read_text()
        == '{"label": 0}\n'
    )
    tags = (TaggingExample("1", ("a", "b"), ("O", "B-LOC")), TaggingExample("2", ("c",), ("O",)))
    examples = ExampleSet("panx", "dev", "de", "local", tags)
    path = write_labels(tmp_path, task("panx"), examples)
    assert (path.name, path.read_text()) == ("test-de.tsv", "O\nB-LOC\n\nO\n")
    question = SpanExample("1", "Sagt \u00e4h.", "?", (Answer("\u00e4h", 5),))
    path = write_labels(
        tmp_path, task("mlqa"), ExampleSet("mlqa", "test", "de", "local", (question,))
    )
    paragraph = {
        "context": "Sagt \u00e4h.",
        "qas": [{"id": "1", "question": "?", "answers": [{"text": "\u00e4h", "answer_start": 5}]}],
    }
    assert json.loads(path.read_text()) == {"data": [{"paragraphs": [paragraph]}]}


def test_nothing_mined(tmp_path: Path) -> None:
    spec, (examples, _) = task("bucc2018"), made("bucc2018")
    labels = write_labels(tmp_path / "labels", spec, examples)
    written = write_submission(tmp_path, spec, examples, {"threshold": 0.0})
    assert written.read_text() == ""
    assert file_scores(spec, "zh", written, labels).metrics["f1"] == 0.0


def test_a_missing_prediction(tmp_path: Path) -> None:
    examples, predictions = made("xnli")
    del predictions["p3"]
    with pytest.raises(UserError, match="1 of 20 examples have no prediction, 'p3' first"):
        write_submission(tmp_path, task("xnli"), examples, predictions)
    assert not list(tmp_path.iterdir())


def test_intermediate_tasks_have_no_place() -> None:
    assert not is_written(task("squad_v1"))
    assert {"xnli", "lareqa", "bucc2018"} <= set(TARGETS)
    assert len(TARGETS) == 12

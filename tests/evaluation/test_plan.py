"""Which examples are evaluated, and which options decide a prediction."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.evaluation.plan import EvaluationOptions, evaluation_sets
from dstilts.tasks.catalog import task
from tests.evaluation.tiny_farm import MemorySource

SOURCE = MemorySource()


def found(languages: tuple[str, ...] | None = None, split: str | None = None) -> dict[str, str]:
    sets = evaluation_sets(SOURCE, "xnli", languages=languages, limit=None, split=split)
    return {examples.language: examples.split for examples in sets}


def test_takes_the_split_for_reporting_and_else_the_other() -> None:
    assert found() == {"de": "test", "en": "test", "hi": "test", "th": "dev"}
    assert found(("th", "de")) == {"de": "test", "th": "dev"}


def test_a_split_that_is_named_is_the_only_one() -> None:
    assert found(split="dev") == {"de": "dev", "th": "dev"}
    with pytest.raises(UserError, match=r"unknown language of xnli in the source 'memory' 'hi'"):
        found(("hi",), split="dev")
    with pytest.raises(UserError, match="unknown split for evaluation 'train'"):
        found(split="train")


def test_a_language_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"'fr'; known: de, en, hi, th"):
        found(("de", "fr"))


def test_a_task_that_the_source_lacks_has_no_sets() -> None:
    assert evaluation_sets(SOURCE, "socialiqa", languages=None, limit=None, split="test") == []
    with pytest.raises(UserError, match="did you mean 'xnli'"):
        evaluation_sets(SOURCE, "xnl", languages=None, limit=None)


def test_limits_draw_the_same_items_in_every_language() -> None:
    sets = evaluation_sets(SOURCE, "xnli", languages=("de", "en"), limit=4)
    ids = {tuple(example.id for example in examples.examples) for examples in sets}
    assert len(ids) == 1
    assert {examples.subset for examples in sets} == {"4 of 9, drawn with seed 1"}


def test_rows_are_never_longer_than_the_encoder_takes() -> None:
    options = EvaluationOptions()
    assert options.encoding("span").max_length == 384
    assert options.encoding("pair", longest=512).max_length == 256
    short = options.encoding("span", longest=60)
    assert (short.max_length, short.doc_stride) == (60, 20)


def test_only_what_decides_a_prediction_is_recorded() -> None:
    recorded = EvaluationOptions().recorded
    assert recorded(task("xnli")) == {"precision": "fp32", "max_length": 256}
    assert recorded(task("xquad")) == {"precision": "fp32", "max_length": 384, "doc_stride": 128}
    assert recorded(task("tatoeba"))["layer"] == -1
    assert "layer" not in recorded(task("lareqa"))
    assert recorded(task("udpos"))["label_token"] == "first_nonbare"
    assert EvaluationOptions(tokens=1).recorded(task("xnli")) == recorded(task("xnli"))


def test_bad_options_are_the_users_mistake() -> None:
    with pytest.raises(UserError, match="did you mean 'bf16'"):
        EvaluationOptions(precision="bf-16")
    with pytest.raises(UserError, match="tokens must be at least 1"):
        EvaluationOptions(tokens=0)


@pytest.mark.data
def test_real_sets(data_folder: Path) -> None:
    from dstilts.tasks.open_source import open_source

    sets = evaluation_sets(
        open_source("local", data_folder), "tatoeba", languages=("de", "fr"), limit=5
    )
    assert [(len(examples), examples.split) for examples in sets] == [(10, "test")] * 2

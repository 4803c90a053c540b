"""All transformations from one configuration table, in their order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstilts.core.config import build, to_table
from dstilts.core.errors import UserError
from dstilts.tasks.examples import ExampleSet, PairExample
from dstilts.tasks.phrasebook.source import PhrasebookSource
from dstilts.tasks.transform.apply import TransformConfig, apply
from dstilts.tasks.transform.few_shot import held_out
from tests.tasks.transform.conftest import FakeSource, MakeSet

TABLE: dict[str, Any] = {
    "domains": {"hold_out": ["slate"]},
    "size": {"examples": 4, "by_label": True},
    "code_switch": {"languages": ["ru"], "rate": 1.0},
    "few_shot": {"task": "xnli", "languages": ["de"], "examples": 2},
}


@pytest.fixture
def mnli(make_set: MakeSet) -> ExampleSet:
    return make_set(
        "mnli",
        [
            PairExample(str(n), f"apples {n}", "b", "neutral", "slate" if n < 3 else "travel")
            for n in range(12)
        ],
    )


@pytest.fixture
def source(make_set: MakeSet, make_source: Callable[..., FakeSource]) -> FakeSource:
    dev = [PairExample(str(n), f"de {n}", "b", "neutral") for n in range(9)]
    return make_source(make_set("xnli", dev, "dev", "de"))


def test_the_table_reads_back() -> None:
    config = build(TransformConfig, TABLE)
    assert build(TransformConfig, to_table(config)) == config
    assert to_table(TransformConfig()) == {}


def test_the_order(mnli: ExampleSet, source: FakeSource) -> None:
    config = build(TransformConfig, TABLE)
    changed = apply(config, mnli, source)
    assert changed.subset is not None
    parts = changed.subset.split("; ")
    assert parts[0] == "9 of 12, without the domains slate"
    assert parts[1] == "4 of 9, drawn by label with seed 1, nested"
    assert "code-switched" in parts[2]
    assert parts[-1] == "with dev examples of xnli, drawn with seed 1: de 2"
    texts = [e.text_a for e in changed.examples if isinstance(e, PairExample)]
    assert [text.split()[0] for text in texts] == ["яблоки"] * 4 + ["de"] * 2
    assert apply(config, mnli, source) == changed


def test_nothing_asked_nothing_done(mnli: ExampleSet, source: FakeSource) -> None:
    assert apply(TransformConfig(), mnli, source) is mnli


def test_what_evaluation_leaves_out(mnli: ExampleSet, source: FakeSource) -> None:
    config = build(TransformConfig, TABLE)
    few = {e.id.rpartition("-")[2] for e in apply(config, mnli, source).examples[4:]}
    assert config.few_shot is not None
    assert held_out(config.few_shot, source) == {("dev", "de"): few}


def test_translations_without_evaluation_texts(
    mnli: ExampleSet, source: FakeSource, tmp_path: Path
) -> None:
    (tmp_path / "mnli").mkdir()
    lines = "de 3\tb\tneutral\nde neu\tb\tneutral\n"
    (tmp_path / "mnli" / "de.tsv").write_text(f"text_a\ttext_b\tlabel\n{lines}")
    table = {"folder": str(tmp_path), "with_english": False}
    changed = apply(build(TransformConfig, {"translations": table}), mnli, source)
    assert [example.id for example in changed.examples] == ["de-3"]
    assert changed.language == "de"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"size": {"examples": 0}}, "size.examples must be greater than 0"),
        (
            {"domains": {"keep": ["a"]}, "translations": {"folder": "x"}},
            "domains and translations must not be given together",
        ),
        (
            {"size": {"examples": 1}, "translations": {"folder": "x", "with_english": False}},
            "size and code_switch must not be given with translations",
        ),
        ({"code_switch": {"languages": ["de"], "lexicon": "mose"}}, "did you mean 'muse'"),
    ],
)
def test_mistakes_carry_their_key(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(TransformConfig, table)


def test_the_phrasebook() -> None:
    source = PhrasebookSource()
    training = source.load("mnli", "train", "en")
    config = build(TransformConfig, {"code_switch": {"languages": ["de", "ru"], "rate": 0.5}})
    changed = apply(config, training, source)
    assert changed.subset is not None
    share = float(changed.subset.partition("%")[0])
    assert 5 < share < 50
    assert [e.label for e in changed.examples if isinstance(e, PairExample)] == [
        e.label for e in training.examples if isinstance(e, PairExample)
    ]

"""Our cells beside published numbers: the right ones, and every reason why they differ."""

from pathlib import Path
from typing import Any

import pytest

from dstilts.reporting.collect import collect_records
from dstilts.reporting.phases import collect_phases
from dstilts.reporting.published import (
    Comparison,
    compare_published,
    published_name,
    published_scores,
)
from dstilts.reporting.published_gains import compare_gains
from dstilts.reporting.tables import Section, build_sections
from dstilts.tasks.benchmarks import BENCHMARKS
from dstilts.tasks.catalog import TASKS
from tests.reporting.record_builder import record, write_phase, write_record

LARGE = "FacebookAI/xlm-roberta-large"
XNLI = TASKS["xnli"].languages
WHOLE: dict[str, Any] = {"encoder": LARGE, "source": "hub", "num_examples": 5_010}


def section_of(runs: Path) -> Section:
    (section,) = build_sections(collect_records(runs))
    return section


def write_xnli(runs: Path, score: float, **changes: Any) -> None:
    for code in changes.pop("languages", XNLI):
        write_record(runs, record("xnli", code, score, **{**WHOLE, **changes}))


def find(found: list[Comparison], **wanted: str) -> Comparison:
    """The first comparison whose published number has these fields."""
    return next(
        one
        for one in found
        if all(getattr(one.published, name) == value for name, value in wanted.items())
    )


def test_every_published_number_has_a_source_and_a_task_that_we_know() -> None:
    scores = published_scores()
    assert len(scores) > 400
    for one in scores:
        assert one.source
        assert 0 <= one.score <= 100
        known = TASKS.get(one.target)
        assert known is not None or one.target.startswith(("xtreme_", "group:")), one.target
        if known is not None:
            assert one.metric in known.metrics, one
            if one.num_languages is not None:
                sizes = {len(b.languages.get(one.target, ())) for b in BENCHMARKS.values()}
                assert one.num_languages in sizes, one


def test_the_same_encoder_on_the_whole_set_can_be_compared(tmp_path: Path) -> None:
    write_xnli(tmp_path, 80.0)
    found = compare_published(section_of(tmp_path))
    whole = find(found, model="xlm-r-large", languages="avg15")
    assert (whole.ours.mean, whole.theirs) == (80.0, 79.2)
    assert whole.difference == pytest.approx(0.8)
    assert whole.comparable
    assert whole.row.name == "none"
    assert {one.published.model for one in found} == {"xlm-r-large"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"encoder": "default"}, "another encoder: default, not xlm-r-large"),
        ({"split": "dev"}, "another split: dev, not test"),
        ({"source": "phrasebook (edition 1)"}, "other examples: generated ones"),
        ({"subset": "500 of 5010, drawn with seed 1"}, "a subset: 500 of 5010"),
        ({"num_examples": 900}, "900 examples in English of 5,010"),
        ({"languages": XNLI[:-1]}, "a mean over 14 languages, not 15"),
    ],
)
def test_why_not(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    write_xnli(tmp_path, 80.0, **changes)
    found = find(compare_published(section_of(tmp_path)), model="xlm-r-large", languages="avg15")
    assert not found.comparable
    assert len(found.reasons) == 1
    assert found.reasons[0].startswith(reason)


def test_more_languages_than_the_benchmark_has_are_not_in_the_mean(tmp_path: Path) -> None:
    write_xnli(tmp_path, 80.0)
    write_xnli(tmp_path, 10.0, languages=["af", "yo"])
    found = find(compare_published(section_of(tmp_path)), model="xlm-r-large", languages="avg15")
    assert found.ours.mean == 80.0
    assert found.comparable


def test_a_part_of_the_training_set(tmp_path: Path) -> None:
    write_xnli(tmp_path, 80.0, target="mnli")
    write_phase(tmp_path, ["none", "mnli"], {"mnli": 4_000}, [])
    found = compare_published(section_of(tmp_path), collect_phases(tmp_path))
    assert find(found, languages="avg15").reasons == ("trained on 4,000 of 392,702 examples",)


def test_the_papers_best_models_stand_beside_our_best_row(tmp_path: Path) -> None:
    for name, score in (("none", 79.0), ("mnli", 81.0), ("qqp", 78.0)):
        for seed in (1, 2):
            write_xnli(tmp_path, score, intermediate=name, seed=seed)
    found = compare_published(section_of(tmp_path))
    best = find(found, model="X-STILTs (Phang 2020)", languages="avg15")
    assert best.row.name == "mnli"
    assert best.reasons == ("the best of 2 intermediates, not of 9",)
    assert "ours: the mean of 2 seeds; theirs: one run, or not said" in best.remarks


def test_retrieval_needs_the_same_layer_and_takes_dev_for_test(tmp_path: Path) -> None:
    about: dict[str, Any] = {"encoder": LARGE, "source": "hub", "seed": None, "key": "k"}
    for layer in (14, -1):
        options = {"layer": layer}
        write_record(tmp_path / str(layer), record("tatoeba", "de", 60, options=options, **about))
        section = section_of(tmp_path / str(layer))
        found = find(compare_published(section), split="dev(=test)", languages="de")
        assert found.theirs == 63.9
        assert found.reasons == (() if layer == 14 else ("vectors of layer -1, not 14",))


def test_names_of_encoders() -> None:
    assert published_name("google-bert/bert-base-multilingual-cased") == "mBERT"
    assert published_name("google/mt5-xl") == "mT5-XL"
    assert published_name("default") is None


def test_gains_of_the_abstracts(tmp_path: Path) -> None:
    scores = {"none": 70.0, "squad_v1": 73.0, "mnli": 78.0}
    for name, score in scores.items():
        write_xnli(tmp_path, score, intermediate=name)
        for code in ("de", "en"):
            more = 9.0 if name == "squad_v1" else 0.0
            value = record("xquad", code, 60.0 + more, intermediate=name, **WHOLE)
            value["metrics"] = {"f1": 60.0 + more, "exact_match": 40.0 + 2 * more}
            write_record(tmp_path, value)
    best, older, squad = compare_gains(section_of(tmp_path))
    assert [one.published.score for one in (best, older, squad)] == [5.4, 6.1, 8.4]
    # XNLI by MNLI 8; XQuAD by SQuAD the mean of 9 and 18.
    assert best.ours.mean == pytest.approx((8 + 13.5) / 2)
    assert best.reasons == (
        "a mean over 2 targets, not 9",
        "the best of 2 intermediates, not of 9",
    )
    assert squad.row.name == "squad_v1"
    assert squad.ours.mean == pytest.approx((3 + 13.5) / 2)
    assert squad.reasons == ("a mean over 2 targets, not 9",)


def test_nothing_to_compare(tmp_path: Path) -> None:
    write_record(tmp_path, record("pawsx", "de", 80.0, intermediate="mnli"))
    section = section_of(tmp_path)
    assert compare_gains(section) == []
    assert {one.row.name for one in compare_published(section)} == {"mnli"}

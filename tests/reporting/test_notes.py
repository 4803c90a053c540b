"""The words around the numbers."""

import os
from pathlib import Path

from dstilts.reporting.collect import collect_records
from dstilts.reporting.heatmap import build_heatmap
from dstilts.reporting.notes import (
    caveats,
    column_facts,
    highlights,
    limits,
    run_facts,
    versions,
)
from dstilts.reporting.phases import collect_phases
from dstilts.reporting.tables import Section, build_sections
from tests.reporting.record_builder import record, write_phase, write_record


def only_section(runs: Path) -> Section:
    (section,) = build_sections(collect_records(runs))
    return section


def test_caveats_of_the_embedded_defaults(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 60, subset="500 of 5010, seed 1"))
    text = " ".join(caveats(only_section(tmp_path)))
    for words in ("diagnostic set", "tuned contrastively", "One seed", "Subsets or own splits"):
        assert words in text


def test_real_data_and_another_encoder_have_no_such_caveats(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_record(tmp_path, record("xnli", "de", 60, source="local", encoder="xlm-r", seed=seed))
    text = " ".join(caveats(only_section(tmp_path)))
    assert text.startswith("2 seeds: numbers are means")
    assert "no significance is claimed" in text
    assert "phrasebook" not in text


def test_parts_of_training_sets_are_said_first(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 60, key="xnli", intermediate="nli"))
    write_phase(tmp_path, ["nli"], {"snli": 800, "mnli": 500}, [], subset="of more, seed 1")
    write_phase(tmp_path, ["nli", "xnli"], {"mnli": 4000}, [], subset="of more, seed 1")
    write_phase(tmp_path, ["another"], {"qqp": 70}, [], subset="of more, seed 1")
    (section,) = build_sections(collect_records(tmp_path), collect_phases(tmp_path))
    assert "; trained on 500 to 4,000 examples a task; " in limits(section)
    text = " ".join(caveats(section))
    assert "parts of the training sets: mnli 500 to 4,000 and snli 800 examples." in text


def test_whole_training_sets_need_no_words(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 60, key="xnli"))
    write_phase(tmp_path, ["xnli"], {"mnli": 4000}, [])
    (section,) = build_sections(collect_records(tmp_path), collect_phases(tmp_path))
    assert "trained on" not in limits(section)
    assert "parts of the training sets" not in " ".join(caveats(section))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 60))
    write_record(tmp_path, record("xnli", "sw", 60))
    write_record(tmp_path, record("xnli", "sw", None, intermediate="mnli"))
    write_record(tmp_path, record("xnli", "de", 60, intermediate="mnli"))
    write_record(tmp_path, record("tatoeba", "de", 60))
    write_record(tmp_path, record("xnli", "de", 61, intermediate="mnli", seed=2))
    write_record(tmp_path, record("xnli", "sw", 61, intermediate="mnli", seed=2))
    text = " ".join(caveats(only_section(tmp_path)))
    assert "Missing: mnli on Tatoeba." in text
    assert "1 seed of mnli on XNLI unfinished" in text


def test_an_incomplete_cell_names_its_languages(tmp_path: Path) -> None:
    for code, score in (("de", 60.0), ("sw", None)):
        write_record(tmp_path, record("xnli", code, 60))
        write_record(tmp_path, record("xnli", code, score, intermediate="mnli"))
    assert any("mnli on XNLI (Swahili)" in line for line in caveats(only_section(tmp_path)))


def test_other_examples_and_older_models_are_said(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 60))
    write_record(tmp_path, record("xnli", "de", 60, intermediate="mnli", data_digest="other"))
    old = write_record(tmp_path, record("xnli", "de", 50, key="old"))
    os.utime(old, (1000, 1000))
    text = " ".join(caveats(only_section(tmp_path)))
    assert "different examples of XNLI" in text
    assert "1 older record of 1 model not shown" in text


def test_highlights_name_gain_loss_and_chance(tmp_path: Path) -> None:
    for task, base, changed in (("xnli", 30.0, 36.0), ("tatoeba", 90.0, 80.0)):
        write_record(tmp_path, record(task, "de", base))
        write_record(tmp_path, record(task, "de", changed, intermediate="mnli"))
    section = only_section(tmp_path)
    lines = highlights(section, [build_heatmap(section, column) for column in section.columns])
    assert lines[0] == "Highest mean over all targets: none, 60.0."
    assert lines[1] == "Largest gain against none: mnli on XNLI, +6.0."
    assert lines[2] == "Largest loss against none: mnli on Tatoeba, \u221210.0."
    assert lines[3].startswith("1 score of 4 ")


def test_facts_say_what_the_numbers_are(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 60, num_examples=500))
    write_record(tmp_path, record("xnli", "fr", 60, num_examples=400))
    section = only_section(tmp_path)
    (facts,) = column_facts(section)
    assert (facts.split, facts.examples, facts.chance) == ("test", "400 to 500", "33.3")
    assert facts.options == "precision fp32"
    assert dict(run_facts(section))["Encoder"] == "default"
    assert versions(section) == [("dstilts", "0.1.0"), ("torch", "2.13.0")]


def test_subsets_that_differ_in_numbers_only_are_said_once(tmp_path: Path) -> None:
    for code, subset in (("de", "9 of 80, seed 1"), ("fr", "9 of 20, seed 1"), ("yo", None)):
        write_record(tmp_path, record("udpos", code, 60, subset=subset))
    (facts,) = column_facts(only_section(tmp_path))
    assert facts.subset == "9 of 20 to 80, seed 1; yo: all"

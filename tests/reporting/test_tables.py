"""Sections, rows and columns: what is compared with what."""

import os
from pathlib import Path

from dstilts.reporting.collect import collect_records
from dstilts.reporting.tables import Section, build_sections, language_name
from tests.reporting.record_builder import record, write_record


def sections(runs: Path) -> list[Section]:
    return build_sections(collect_records(runs))


def test_another_encoder_or_source_is_another_section(tmp_path: Path) -> None:
    write_record(tmp_path / "a", record("xnli", "de", 60))
    write_record(tmp_path / "b", record("xnli", "de", 70, source="local"))
    write_record(tmp_path / "c", record("xnli", "de", 80, encoder="xlm-roberta-base"))
    places = [(section.encoder, section.source) for section in sections(tmp_path)]
    assert places == [
        ("default", "local"),
        ("default", "phrasebook"),
        ("xlm-roberta-base", "phrasebook"),
    ]


def test_rows_start_with_none_and_end_with_mixtures(tmp_path: Path) -> None:
    for name, tasks in (("all", ("mnli", "qqp")), ("qa", ("squad_v1",)), ("nli", ("mnli",))):
        write_record(tmp_path, record("xnli", "de", 60, intermediate=name, tasks=tasks))
    write_record(tmp_path, record("xnli", "de", 60))
    assert [row.name for row in sections(tmp_path)[0].rows] == ["none", "nli", "qa", "all"]


def test_columns_follow_the_catalog(tmp_path: Path) -> None:
    for task in ("tatoeba", "xquad", "xnli"):
        write_record(tmp_path, record(task, "de", 60))
    columns = sections(tmp_path)[0].columns
    assert [column.task for column in columns] == ["xnli", "xquad", "tatoeba"]
    assert [column.title for column in columns] == ["XNLI", "XQuAD", "Tatoeba"]


def test_what_is_evaluated_differently_is_another_column(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 60))
    write_record(tmp_path, record("xnli", "de", 61, split="dev"))
    write_record(tmp_path, record("xnli", "de", 62, intermediate="mnli", target=None))
    write_record(tmp_path, record("xnli", "de", 63, key="k", options={"limit": 100}))
    titles = [column.title for column in sections(tmp_path)[0].columns]
    assert len(set(titles)) == 4
    assert "XNLI, no target phase, test, options 2" in titles
    assert "XNLI, after xnli, dev, options 2" in titles


def test_two_models_in_one_place_never_mix(tmp_path: Path) -> None:
    for moment, key, scores in ((1000, "old", {"de": 1, "fr": 2}), (2000, "new", {"de": 60})):
        for code, score in scores.items():
            file = write_record(tmp_path, record("xnli", code, score, key=key))
            os.utime(file, (moment, moment))
    section = sections(tmp_path)[0]
    assert [r.model_key for r in section.column_records(section.columns[0])] == ["new"]
    assert {r.model_key for r in section.superseded} == {"old"}
    assert len(section.superseded) == 2


def test_languages_are_ordered_by_family_then_code(tmp_path: Path) -> None:
    for code in ("zh", "de", "af", "ar", "en", "he"):
        write_record(tmp_path, record("xnli", code, 60))
    section = sections(tmp_path)[0]
    assert section.languages(section.columns[0]) == ["ar", "he", "af", "de", "en", "zh"]


def test_what_is_in_no_table_keeps_its_code(tmp_path: Path) -> None:
    value = {**record("xnli", "qaa", 60), "task": "riddles"}
    write_record(tmp_path, value)
    section = sections(tmp_path)[0]
    assert section.columns[0].title == "riddles"
    assert section.languages(section.columns[0]) == ["qaa"]
    assert language_name("qaa") == "qaa"

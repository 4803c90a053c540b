"""What training cost, from manifests and events."""

import shutil
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.reporting.phases import collect_open_runs, collect_phases, deviations
from tests.reporting.record_builder import write_phase


def test_tokens_and_time_add_up_over_restarts(tmp_path: Path) -> None:
    spent = [
        (100.0, "start", 0.0),
        (110.0, "train", 50.0),
        (500.0, "start", 0.0),
        (520.0, "train", 40.0),
        (530.0, "train", 20.0),
    ]
    write_phase(tmp_path, ["nli"], {"mnli": 300, "snli": 100}, spent)
    (phase,) = collect_phases(tmp_path)
    assert (phase.examples, phase.steps) == (400, 620)
    assert phase.history
    assert phase.history.tokens == pytest.approx(10 * 50 + 20 * 40 + 10 * 20)
    assert phase.history.seconds == pytest.approx(40)
    assert deviations([phase, phase]) == ["word embeddings were not trained"]


def test_a_phase_without_its_run_folder_is_still_listed(tmp_path: Path) -> None:
    write_phase(tmp_path, ["nli", "xnli"], {"xnli": 300}, [])
    write_phase(tmp_path, ["qa"], {"squad_v1": 300}, [])
    first, second = collect_phases(tmp_path)
    assert (first.name, second.name) == ("qa", "nli > xnli")
    assert (second.role, second.parent, second.history) == ("target", "nli", None)


def test_resume_points_and_half_written_folders_are_no_models(tmp_path: Path) -> None:
    for folder in ("nli.run/resume/step4", ".nli.x.tmp"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "manifest.json").write_text("{}")
    assert collect_phases(tmp_path) == []


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    folder = write_phase(tmp_path, ["nli"], {"mnli": 300}, [])
    (folder / "manifest.json").write_text('{"lineage": []}')
    with pytest.raises(UserError, match=r"manifest\.json: not the manifest of a model"):
        collect_phases(tmp_path)


def test_a_model_that_was_removed_is_known_by_what_its_run_keeps(tmp_path: Path) -> None:
    folder = write_phase(tmp_path, ["nli"], {"mnli": 9}, [(0.0, "start", 0.0), (9.0, "train", 5.0)])
    kept = folder.with_name("nli.run") / "manifest.json"
    kept.write_text((folder / "manifest.json").read_text())
    assert len(collect_phases(tmp_path)) == 1  # not twice
    shutil.rmtree(folder)
    (phase,) = collect_phases(tmp_path)
    assert phase.folder == "models/nli"
    assert phase.history is not None
    assert collect_open_runs(tmp_path) == []
    kept.unlink()
    assert [run.folder for run in collect_open_runs(tmp_path)] == ["models/nli"]

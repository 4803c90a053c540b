"""The report in TensorBoard."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dstilts.reporting.contents import gather
from dstilts.reporting.report import write_report
from tests.reporting.record_builder import record, write_record


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def test_each_model_has_its_settings_and_means_and_the_grid_is_a_picture(tmp_path: Path) -> None:
    for intermediate, gain in (("none", 0), ("ml/qa", 4)):
        for seed in (1, 2):
            for code, score in (("en", 80), ("de", 61)):
                key = f"{gain}-{seed}"
                value = record(
                    "xnli", code, score + gain, intermediate=intermediate, seed=seed, key=key
                )
                write_record(tmp_path, value)
    write_report(gather(tmp_path))
    board = tmp_path / "tensorboard" / "report"
    assert sorted(folder.name for folder in board.iterdir()) == [
        *("grid", "s1-ml-qa-1", "s1-ml-qa-2", "s1-none-1", "s1-none-2")
    ]
    model = read(board / "s1-ml-qa-2")
    (scalar,) = model.Scalars("XNLI")
    assert scalar.value == 74.5
    start = model.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    assert b"ml/qa" in start
    grid = read(board / "grid")
    (image,) = grid.Images(*grid.Tags()["images"])
    assert image.encoded_image_string.startswith(b"\x89PNG")


def test_a_second_report_replaces_the_first_whole(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "en", 80, seed=1))
    write_report(gather(tmp_path))
    for file in (tmp_path / "records").rglob("*.json"):
        file.unlink()
    write_record(tmp_path, record("xnli", "en", 81, seed=2))
    write_report(gather(tmp_path))
    folder = tmp_path / "tensorboard"
    assert [path.name for path in folder.iterdir()] == ["report"]
    assert sorted(path.name for path in (folder / "report").iterdir()) == ["grid", "s1-none-2"]
    assert len(list((folder / "report" / "grid").iterdir())) == 1

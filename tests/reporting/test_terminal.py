"""The grid on the terminal, with effects."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dstilts.reporting.collect import collect_records
from dstilts.reporting.effects import effects
from dstilts.reporting.tables import build_sections
from dstilts.reporting.terminal import print_sections
from tests.reporting.score_builder import write_scored


def write_rows(runs: Path, seeds: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    ease = random.random(400)
    for name, share in (("none", 0.4), ("mnli", 0.8), ("qqp", 0.4), ("ccg", 0.4)):
        for seed in seeds:
            right = ease + 0.05 * random.standard_normal(400) < share
            write_scored(runs, "xnli", "de", right, intermediate=name, seed=seed)


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_marks_and_intervals(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    num_seeds: int,
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    write_rows(tmp_path, tuple(range(1, num_seeds + 1)))
    sections = build_sections(collect_records(tmp_path))
    print_sections(sections, Console(), [effects(section, tmp_path) for section in sections])
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    assert "with 95 % interval" in words
    assert ("*: significant" in words) == (num_seeds > 1)
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    number = next(index for index, line in enumerate(lines) if line.startswith("mnli "))
    assert ("*" in lines[number]) == (num_seeds > 1)
    assert lines[number + 1].startswith("+3")
    assert " to +4" in lines[number + 1]
    assert not any("*" in line for line in lines if line.startswith(("qqp", "ccg", "none")))


def test_a_log_folds_no_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    write_rows(tmp_path, (1, 2))
    sections = build_sections(collect_records(tmp_path))
    print_sections(sections, Console(), [effects(section, tmp_path) for section in sections])
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:3] == ["intermediate", "1", "lang."] for line in lines)
    mnli = next(line for line in lines if line.startswith(" mnli"))
    assert len(mnli) > 30
    assert mnli.count("+") == 2
    assert max(map(len, lines[-6:])) <= 30  # words are folded

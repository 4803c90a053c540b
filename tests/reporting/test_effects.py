"""Effects of real files: pairing, intervals, what is left out, what old runs still say."""

import json
from pathlib import Path

import numpy as np
import pytest

from dstilts.core.errors import UserError
from dstilts.engine.guards import Attempt
from dstilts.evaluation.score_files import scores_file
from dstilts.reporting.collect import collect_records
from dstilts.reporting.effects import Effect, Effects, effects
from dstilts.reporting.tables import Section, build_sections
from tests.reporting.record_builder import record, write_record
from tests.reporting.score_builder import write_scored

CODES = ("de", "en", "sw")
SIZE = 300


def section_of(runs: Path) -> Section:
    (section,) = build_sections(collect_records(runs))
    return section


def only(found: Effects, row: str) -> Effect:
    (effect,) = [effect for (name, _), effect in found.cells.items() if name == row]
    return effect


def write_grid(runs: Path, shares: dict[str, float], seeds: tuple[int, ...]) -> None:
    """Rows with given shares of right answers; seeds move them by a point."""
    random = np.random.default_rng(1)
    ease = random.random((len(CODES), SIZE))
    for name, share in shares.items():
        for seed in seeds:
            moved = share + 0.01 * random.standard_normal()
            noise = 0.05 * random.standard_normal(ease.shape)
            for index, code in enumerate(CODES):
                right = ease[index] + noise[index] < moved
                write_scored(runs, "xnli", code, right, intermediate=name, seed=seed)


@pytest.mark.parametrize("num_seeds", [2, 3])
def test_a_large_effect_is_found_and_no_effect_is_not(tmp_path: Path, num_seeds: int) -> None:
    shares = {"none": 0.5, "mnli": 0.7, "qqp": 0.5, "squad_v1": 0.5, "hellaswag": 0.5}
    write_grid(tmp_path, shares, tuple(range(1, num_seeds + 1)))
    section = section_of(tmp_path)
    found = effects(section, tmp_path)
    assert {name for name, _ in found.cells} == set(shares) - {"none"}
    assert {name for (name, _), effect in found.cells.items() if effect.significant} == {"mnli"}
    mnli = only(found, "mnli")
    (column,) = section.columns
    row = next(row for row in section.rows if row.name == "mnli")
    whole = section.delta(row, column)
    assert whole is not None
    assert mnli.delta == pytest.approx(whole.mean)
    assert mnli.low is not None
    assert mnli.high is not None
    assert 10 < mnli.low < mnli.delta < mnli.high < 30
    assert mnli.low < 20 < mnli.high
    assert mnli.p is not None
    assert mnli.p_holm is not None
    assert mnli.p < mnli.p_holm < 0.05
    assert mnli.detectable is not None
    assert 0 < mnli.detectable < mnli.delta
    assert mnli.seeds == tuple(range(1, num_seeds + 1))
    assert (mnli.flagged, mnli.note) == ((), "")
    boxes = {code: found.box(row, column, code) for code in CODES}
    assert all(box is not None and box.significant for box in boxes.values())
    assert np.mean([box.delta for box in boxes.values() if box]) == pytest.approx(mnli.delta)
    assert len(found.boxes) == (len(shares) - 1) * len(CODES)


def test_one_seed_makes_no_claim(tmp_path: Path) -> None:
    write_grid(tmp_path, {"none": 0.5, "mnli": 0.9}, (1,))
    effect = only(effects(section_of(tmp_path), tmp_path), "mnli")
    assert (effect.p, effect.p_holm, effect.detectable) == (None, None, None)
    assert not effect.significant
    assert effect.low is not None
    assert effect.high is not None
    assert 30 < effect.low < effect.delta < effect.high < 50
    assert "two models" in effect.note


def test_old_runs_have_a_difference_and_no_interval(tmp_path: Path) -> None:
    for name, score in (("none", 50), ("mnli", 60)):
        for seed in (1, 2):
            write_record(tmp_path, record("xnli", "de", score, intermediate=name, seed=seed))
    effect = only(effects(section_of(tmp_path), tmp_path), "mnli")
    assert (effect.delta, effect.low, effect.p) == (10, None, None)
    assert "evaluate again" in effect.note


def test_scores_of_other_predictions_are_not_used(tmp_path: Path) -> None:
    write_grid(tmp_path, {"none": 0.5, "mnli": 0.6}, (1, 2))
    file = next((tmp_path / "records").glob("mnli*/xnli.de*"))
    file.write_text(json.dumps({**json.loads(file.read_text()), "identity": "another"}))
    found = effects(section_of(tmp_path), tmp_path)
    assert only(found, "mnli").p is None
    tested = {code for (_, _, code), effect in found.boxes.items() if effect.p is not None}
    assert tested == {"en", "sw"}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    write_grid(tmp_path, {"none": 0.5, "mnli": 0.6}, (1, 2))
    file = scores_file(next((tmp_path / "records").glob("mnli*/xnli.de*")))
    file.write_bytes(b"x" * 40)
    with pytest.raises(UserError, match=r"xnli\.de\.test\.scores"):
        effects(section_of(tmp_path), tmp_path)


def test_an_untrained_baseline_serves_every_seed(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    right = random.random(SIZE) < 0.4
    write_scored(tmp_path, "tatoeba", "de", right, seed=None, key="base")
    for name in ("mnli", "qqp", "ccg"):
        for seed in (1, 2):
            more = right | (random.random(SIZE) < (0.5 if name == "mnli" else 0.0))
            flip = random.random(SIZE) < 0.02
            write_scored(tmp_path, "tatoeba", "de", more ^ flip, intermediate=name, seed=seed)
    found = effects(section_of(tmp_path), tmp_path)
    effect = only(found, "mnli")
    assert effect.seeds == (1, 2)
    assert effect.significant
    assert effect.delta == pytest.approx(30, abs=5)
    assert not only(found, "ccg").significant


def test_seeds_are_paired_and_others_left_out(tmp_path: Path) -> None:
    write_grid(tmp_path, {"none": 0.5, "mnli": 0.6}, (1, 2))
    write_grid(tmp_path, {"mnli": 0.99}, (3,))
    write_grid(tmp_path, {"qqp": 0.7}, (8, 9))
    found = effects(section_of(tmp_path), tmp_path)
    assert only(found, "mnli").seeds == (1, 2)
    assert only(found, "mnli").delta < 20
    apart = only(found, "qqp")
    assert (apart.seeds, apart.p, apart.note) == ((), None, "no seed in common with none")
    assert apart.delta == pytest.approx(20, abs=6)


def test_a_run_that_was_started_again_takes_its_own_place(tmp_path: Path) -> None:
    write_grid(tmp_path, {"none": 0.5, "mnli": 0.6}, (1,))
    write_grid(tmp_path, {"mnli": 0.6}, (Attempt(restarts=1).seed(2),))
    write_grid(tmp_path, {"none": 0.5}, (2,))
    assert only(effects(section_of(tmp_path), tmp_path), "mnli").seeds == (1, 2)


def test_collapsed_and_unfinished_seeds_are_left_out_and_named(tmp_path: Path) -> None:
    write_grid(tmp_path, {"none": 0.6, "mnli": 0.7}, (1, 2, 3, 4))
    for code in CODES:
        third = np.arange(SIZE) % 3 == 0
        write_scored(tmp_path, "xnli", code, third, intermediate="mnli", seed=3)
    next(tmp_path.glob("records/none-xnli-4/xnli.sw*")).unlink()
    section = section_of(tmp_path)
    effect = only(effects(section, tmp_path), "mnli")
    assert effect.seeds == (1, 2)
    assert effect.flagged == (
        "mnli, seed 3: at chance in English, where another seed is not",
        "none, seed 4: unfinished",
    )
    (column,) = section.columns
    cell = section.cell(section.rows[1], column)
    assert cell is not None
    assert set(cell.runs) == {1, 2, 4}
    mean = cell.mean()
    assert mean is not None
    assert mean.mean == pytest.approx(70, abs=4)


def test_one_wild_language_set_is_not_paired_with_another(tmp_path: Path) -> None:
    """Languages whose examples differ between the rows enter no difference."""
    write_grid(tmp_path, {"none": 0.5, "mnli": 0.6}, (1, 2))
    for seed in (1, 2):
        write_scored(
            tmp_path,
            "xnli",
            "sw",
            np.ones(SIZE),
            intermediate="mnli",
            seed=seed,
            data_digest="other",
        )
    found = effects(section_of(tmp_path), tmp_path)
    assert {code for _, _, code in found.boxes} == {"de", "en"}
    assert only(found, "mnli").delta < 20


def test_translations_are_drawn_together(tmp_path: Path) -> None:
    """Ten copies of one set say no more than one; ten sets say more."""
    random = np.random.default_rng(4)
    right = {name: random.random(200) < 0.6 for name in ("none", "mnli")}
    other = {name: random.random((10, 200)) < 0.6 for name in ("none", "mnli")}
    widths = []
    for kind in ("one", "copies", "apart"):
        for name in ("none", "mnli"):
            for number in range(1 if kind == "one" else 10):
                answers = other[name][number] if kind == "apart" else right[name]
                ids = f"{number}-" if kind == "apart" else ""
                folder = tmp_path / kind
                write_scored(folder, "xnli", f"x{number}", answers, intermediate=name, ids=ids)
        effect = only(effects(section_of(tmp_path / kind), tmp_path / kind), "mnli")
        assert effect.low is not None
        assert effect.high is not None
        widths.append(effect.high - effect.low)
    assert widths[1] == pytest.approx(widths[0])
    assert widths[2] < 0.45 * widths[0]  # a third by the square root of ten

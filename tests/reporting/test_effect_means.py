"""Differences averaged over targets and groups of languages: what enters, how sure they are."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from dstilts.reporting.collect import collect_records
from dstilts.reporting.contents import gather
from dstilts.reporting.effect_means import mean_samples
from dstilts.reporting.effect_samples import Block, ColumnSamples
from dstilts.reporting.effect_table import interval
from dstilts.reporting.effects import Effects, _tests, effects
from dstilts.reporting.groups import group_tables
from dstilts.reporting.latex import escape, to_latex
from dstilts.reporting.markdown import to_markdown
from dstilts.reporting.page import to_page
from dstilts.reporting.tables import Section, build_sections
from dstilts.reporting.text import signed
from tests.reporting.score_builder import write_scored

SIZE = 400
ROWS = ("mnli", "qqp", "ccg", "hellaswag")


def found_in(runs: Path) -> tuple[Section, Effects]:
    (section,) = build_sections(collect_records(runs))
    return section, effects(section, runs)


def write(
    runs: Path,
    task: str,
    gains: dict[str, float],
    *,
    seeds: tuple[int, ...] = (1, 2, 3),
    rows: tuple[str, ...] = ("none", *ROWS),
) -> None:
    """Rows at 50 %; "mnli" gains in each language what `gains` says."""
    random = np.random.default_rng([len(task), len(gains)])
    for code, gain in gains.items():
        ease = random.random(SIZE)
        for row in rows:
            for seed in seeds:
                share = 0.5 + (gain if row == "mnli" else 0.0) + 0.01 * random.standard_normal()
                right = ease + 0.05 * random.standard_normal(SIZE) < share
                options = {"intermediate": row, "seed": seed, "ids": f"{task} {code} "}
                write_scored(runs, task, code, right, **options)


def test_the_mean_over_targets_is_that_of_the_cells(tmp_path: Path) -> None:
    write(tmp_path, "xnli", {"en": 0.2, "de": 0.2, "tr": 0.2})
    write(tmp_path, "pawsx", {"en": 0.0, "de": 0.0})
    section, found = found_in(tmp_path)
    cells = [effect for (row, _), effect in found.cells.items() if row == "mnli"]
    mean = found.means["mnli"]
    assert mean.delta == pytest.approx(np.mean([cell.delta for cell in cells]))
    assert mean.delta == pytest.approx(10, abs=2)
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < 10 < mean.high
    # Two targets of examples of their own say more than either.
    widths = [cell.high - cell.low for cell in cells if cell.low is not None and cell.high]
    assert mean.high - mean.low < min(widths)
    assert {row for row, effect in found.means.items() if effect.significant} == {"mnli"}
    assert section.columns != []


def test_a_group_has_its_languages_and_the_targets_that_have_any(tmp_path: Path) -> None:
    write(tmp_path, "xnli", {"en": 0.0, "de": 0.3, "nl": 0.1, "tr": 0.0})
    write(tmp_path, "pawsx", {"en": 0.0, "de": 0.0})
    section, found = found_in(tmp_path)
    family = found.groups["mnli", "family", "Indo-European"]
    assert family.delta == pytest.approx((20 + 0) / 2, abs=2)
    assert family.significant
    assert not found.groups["mnli", "family", "Turkic"].significant
    assert found.groups["mnli", "family", "Turkic"].delta == pytest.approx(0, abs=3)
    table = next(one for one in group_tables(section, found) if one.slug == "by-family")
    lines = {row[0]: row for row in table.rows}
    details = dict(zip((row[0] for row in table.rows), table.details, strict=True))
    at = table.head.index("mnli")
    assert lines["Indo-European"][at].endswith("*")
    assert not lines["Turkic"][at].endswith("*")
    assert " to " in details["Turkic"][at]
    assert "corrected over the table" in table.lead


def test_every_form_of_the_report_shows_them(tmp_path: Path) -> None:
    write(tmp_path, "xnli", {"en": 0.3, "tr": 0.3}, seeds=(1, 2))
    report = gather(tmp_path)
    (part,) = report.parts
    for effect in (part.effects.means["mnli"], part.effects.groups["mnli", "family", "Turkic"]):
        delta, ends = signed(effect.delta), interval(effect)
        assert effect.significant
        assert " to " in ends
        written = to_markdown(report)  # of the grid the star stands behind the interval
        assert f"{delta} [{ends}]\\*" in written or f"{delta}\\* [{ends}]" in written
        assert escape(delta) in to_latex(report)
        assert escape(ends) in to_latex(report)
        assert ends in to_page(report, folder=tmp_path)


def test_seeds_that_one_target_lacks_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "xnli", {"en": 0.2, "de": 0.2})
    write(tmp_path, "pawsx", {"en": 0.2, "de": 0.2}, seeds=(2, 3))
    _, found = found_in(tmp_path)
    assert found.means["mnli"].seeds == (2, 3)
    assert {effect.seeds for effect in found.cells.values()} == {(1, 2, 3), (2, 3)}


def test_a_row_that_lacks_a_target_or_a_language_has_no_such_mean(tmp_path: Path) -> None:
    write(tmp_path, "xnli", {"en": 0.1, "de": 0.1, "tr": 0.1})
    write(tmp_path, "pawsx", {"en": 0.1, "de": 0.1})
    for file in [*tmp_path.glob("records/qqp-pawsx-*/*"), *tmp_path.glob("records/ccg*/xnli.tr*")]:
        file.unlink()
    _, found = found_in(tmp_path)
    assert set(found.means) == {"mnli", "hellaswag", "ccg"}
    of_qqp = {group for row, by, group in found.groups if (row, by) == ("qqp", "family")}
    assert of_qqp == {"Turkic"}
    of_ccg = {group for row, by, group in found.groups if (row, by) == ("ccg", "family")}
    assert of_ccg == {"English (trained on)", "Indo-European"}


def test_targets_without_a_common_seed_have_no_mean(tmp_path: Path) -> None:
    write(tmp_path, "xnli", {"en": 0.1}, seeds=(1, 2))
    write(tmp_path, "pawsx", {"en": 0.1}, seeds=(3, 4))
    _, found = found_in(tmp_path)
    assert found.means == {}
    assert len(found.cells) == 2 * len(ROWS)


def test_an_untrained_baseline_can_be_one_of_them(tmp_path: Path) -> None:
    write(tmp_path, "xnli", {"de": 0.2})
    right = np.random.default_rng(3).random(SIZE) < 0.5
    write_scored(tmp_path, "tatoeba", "de", right, seed=None, key="base", ids="t")
    for row in ROWS:
        for seed in (1, 2, 3):
            write_scored(tmp_path, "tatoeba", "de", right, intermediate=row, seed=seed, ids="t")
    _, found = found_in(tmp_path)
    assert found.means["mnli"].delta == pytest.approx(10, abs=2)
    assert found.means["mnli"].seeds == (1, 2, 3)
    assert found.means["mnli"].significant


@pytest.mark.parametrize("num_seeds", [2, 3])
@pytest.mark.parametrize("shared", [0.0, 1.5])
def test_null_means_are_significant_in_at_most_5_of_100(num_seeds: int, shared: float) -> None:
    """Rows without an effect, whose seeds move all targets alike (`shared`, in points) or not."""
    random = np.random.default_rng([num_seeds, round(10 * shared)])
    wrong, num_grids = 0, 400
    for _ in range(num_grids):
        common = shared * random.standard_normal((11, num_seeds, 1))
        columns = [_null_column(random, common, num_seeds) for _ in range(5)]
        family = {(row,): sample for row, sample in mean_samples(columns).items()}
        tests = _tests(family, {})
        assert len(tests) == 10
        wrong += any(test is not None and test.p_holm < 0.05 for test in tests.values())
    assert wrong / num_grids <= float(stats.binom.ppf(0.999, num_grids, 0.05)) / num_grids


class _Column(ColumnSamples):
    """A column of one block that was made up."""

    def __init__(self, block: Block) -> None:
        self.languages = block.languages
        self.blocks = dict.fromkeys(block.rows, block)


def _null_column(
    random: np.random.Generator, common: npt.NDArray[np.float64], num_seeds: int
) -> _Column:
    """Ten rows and a baseline in three languages, moved by seeds and by examples."""
    shape = (11, num_seeds, 3)
    of_examples = random.standard_normal((11, 1, 1))
    runs = common + random.standard_normal(shape) + of_examples
    drawn = runs + random.standard_normal((100, 11, 1, 1))  # what other examples would give
    return _Column(
        Block(
            rows=tuple(f"row {number}" for number in range(10)),
            seeds=tuple(range(1, num_seeds + 1)),
            languages=("de", "en", "tr"),
            deltas_CSL=runs[1:] - runs[:1],
            drawn_BCSL=drawn[:, 1:] - drawn[:, :1],
            seeded=True,
            sizes_L=np.full(3, 1000.0),
        )
    )

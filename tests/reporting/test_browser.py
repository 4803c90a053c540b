"""The page in a real browser: nothing asked from outside, nothing wider than the window."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dstilts.reporting.contents import gather
from dstilts.reporting.report import write_report
from dstilts.tasks.languages import LANGUAGES
from tests.reporting.browser import Browser, browser_program
from tests.reporting.record_builder import record, write_phase, write_record
from tests.reporting.score_builder import write_scored

PROGRAM = browser_program()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")

CODES = sorted(LANGUAGES)[:40]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with every part: effects, flags, groups, the paper's scores, curves, changes."""
    folder = tmp_path_factory.mktemp("report")
    runs, old = folder / "runs", folder / "old"
    write_record(runs, record("xnli", "en", 60))
    write_report(gather(runs), old)
    for row, right in (("none", 40), ("a-rather-long-name+of-an-intermediate", 80)):
        for seed in (1, 2, 3, 4):
            for number, code in enumerate(CODES):
                good = right + number % 5 + seed
                answers = [1] * good + [0] * (100 - good)
                write_scored(runs, "xnli", code, answers, intermediate=row, seed=seed)
                value = record(
                    "xquad", code, 5.0 if seed == 2 else right, intermediate=row, seed=seed
                )
                write_record(runs, value)
    for code in CODES:
        write_record(runs, record("pawsx", code, None if code == "sw" else 60))
    for number in range(30):
        spent = [(float(second), "train" if second else "start", 90.0) for second in range(9)]
        write_phase(runs, [f"task{number}", "xnli"], {"mnli": 400}, spent)
    return write_report(gather(runs), folder / "today", since=old)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert PROGRAM
    with Browser(PROGRAM) as opened:
        yield opened


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_it_stands_alone_and_fits_the_window(
    page: Path, browser: Browser, width: int, dark: bool
) -> None:
    browser.open(page, width=width, dark=dark)
    fits = "document.documentElement.scrollWidth <= innerWidth && innerWidth"
    assert browser.evaluate(fits) == width
    browser.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert browser.evaluate(fits) == width
    assert browser.requests == [page.resolve().as_uri()]
    assert browser.problems == []
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0]")
    assert (int(paper) < 80) == dark


def test_wide_tables_scroll_inside_their_own_box(page: Path, browser: Browser) -> None:
    browser.open(page, width=400)
    boxes = "[...document.querySelectorAll('.scroll')]"
    assert browser.evaluate(f"{boxes}.some(box => box.scrollWidth > box.clientWidth)")
    assert browser.evaluate(f"{boxes}.every(box => box.tabIndex === 0)")  # by the keyboard too


def test_every_table_can_be_read_aloud(page: Path, browser: Browser) -> None:
    browser.open(page, width=1280)
    assert browser.evaluate("document.querySelectorAll('table').length") > 10
    assert browser.evaluate(
        "[...document.querySelectorAll('table')].every(table => table.caption.textContent.trim())"
    )
    assert browser.evaluate("[...document.querySelectorAll('th')].every(head => head.scope)")
    rows = "[...document.querySelectorAll('tbody tr')]"
    assert browser.evaluate(f"{rows}.every(row => row.cells[0].tagName === 'TH')")
    marked = "[...document.querySelectorAll('.box.sure, .change.sure')]"
    assert browser.evaluate(f"{marked}.length") > 5
    assert browser.evaluate(f"{marked}.every(cell => cell.textContent.includes('significant'))")
    assert browser.evaluate("[...document.querySelectorAll('figure')].every(f => f.ariaLabel)")


def test_it_prints(page: Path, browser: Browser, tmp_path: Path) -> None:
    browser.open(page, width=1280)
    browser.print(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "page.pdf").stat().st_size > 50_000

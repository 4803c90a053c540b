"""The page, the Markdown file and the terminal table, from a folder of runs."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from dstilts.core.errors import UserError
from dstilts.reporting.contents import gather
from dstilts.reporting.report import print_report, write_report
from tests.reporting.record_builder import record, write_phase, write_record

LANGUAGES = ("en", "de", "sw", "th", "zh")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two intermediates, two targets; one language failed, one cell was never evaluated."""
    folder = tmp_path / "runs"
    for intermediate in ("none", "mnli"):
        for number, code in enumerate(LANGUAGES):
            score = None if (intermediate, code) == ("mnli", "th") else 30.0 + 10 * number
            write_record(folder, record("xnli", code, score, intermediate=intermediate))
    for code in LANGUAGES[1:]:
        write_record(folder, record("tatoeba", code, 80))
    write_phase(folder, ["mnli"], {"mnli": 400}, [(1.0, "start", 0.0), (11.0, "train", 50.0)])
    return folder


class Page(HTMLParser):
    """Ids, links, and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if given.get("href"):
            self.links.append(given["href"] or "")


def test_both_files_are_written_and_the_same_records_give_the_same_bytes(runs: Path) -> None:
    page = write_report(gather(runs))
    assert page == runs / "report.html"
    first = page.read_bytes(), (runs / "report.md").read_bytes()
    assert write_report(gather(runs)) == page
    assert (page.read_bytes(), (runs / "report.md").read_bytes()) == first


def test_the_page_stands_alone(runs: Path) -> None:
    text = write_report(gather(runs)).read_text()
    page = Page(text)
    assert not re.search(r"https?:|@import|url\(", text)
    assert not any(tag in ("script", "link", "img", "iframe", "object") for tag, _ in page.tags)
    assert not any(name.startswith("on") for _, given in page.tags for name in given)
    assert "prefers-color-scheme: dark" in text


def test_every_link_leads_somewhere(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "pages"
    page = Page(write_report(gather(runs), folder).read_text())
    assert len(page.ids) == len(set(page.ids))
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    files = [link for link in page.links if not link.startswith("#")]
    assert len(files) == 14
    assert all((folder / unquote(link)).is_file() for link in files)


def test_every_score_leads_to_its_record(runs: Path) -> None:
    text = write_report(gather(runs)).read_text()
    sure = "90 % interval 47.0 to 52.0"
    anchor = re.search(rf'<a href="#(r\d+)" title="none, Swahili: 50.0, {sure}, 500 exam', text)
    assert anchor
    file = "records/none-xnli-1/xnli.sw.test.json"
    link = f'id="{anchor[1]}"><a href="{file}">sw</a> 47.0 to 52.0</li>'
    assert link in text


def test_scores_of_several_seeds_have_a_spread_and_no_interval(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_record(tmp_path, record("xnli", "sw", 50.0 + seed, seed=seed))
    text = write_report(gather(tmp_path)).read_text()
    assert 'title="none, Swahili: 51.5, 500 examples"' in text
    # Each record has its own.
    assert text.count("</a> 49.0 to 54.0</li>") == text.count("</a> 48.0 to 53.0</li>") == 1


def test_tables_can_be_read_aloud(runs: Path) -> None:
    page = Page(write_report(gather(runs)).read_text())
    assert all(given.get("scope") for tag, given in page.tags if tag == "th")
    labels = {given.get("aria-labelledby") for _, given in page.tags} - {None}
    assert labels <= set(page.ids)


def test_missing_is_said_in_words(runs: Path) -> None:
    text = write_report(gather(runs)).read_text()
    markdown = (runs / "report.md").read_text()
    # Thai twice (score and change) and Tatoeba in four languages.
    assert text.count('<span class="hidden">missing</span></td>') == 6
    assert "Missing: mnli on Tatoeba." in text
    assert "4 of 5 languages" in text
    assert re.search(r"\| mnli \| .*4 of 5 languages.* \| missing \| incomplete \|", markdown)
    assert re.search(r"\| th \| Thai \|.*\| 60\.0 \| missing \| 33\.3 \|", markdown)
    assert "At or below chance</strong> after none and mnli: English." in text
    assert "At or below chance: none and mnli: English." in markdown


def test_training_is_listed(runs: Path) -> None:
    assert (
        "<td>400</td><td>620</td><td>500</td><td>10 s</td>"
        in write_report(gather(runs)).read_text()
    )
    assert (
        "| mnli | intermediate | mnli | 1 | 400 | 620 | 500 | 10 s |"
        in (runs / "report.md").read_text()
    )


def test_names_from_files_are_never_markup(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>|x"
    value = record("xnli", "de", 60, intermediate=name, tasks=("mnli",), encoder=name, key="k")
    write_record(tmp_path, {**value, "subset": name})
    text = write_report(gather(tmp_path)).read_text()
    markdown = (tmp_path / "report.md").read_text()
    assert "<script" not in text
    assert "<script" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) > 2 for row in rows)
    assert re.search(
        r"^\| &lt;script>alert\(1\)&lt;/script>\\\|x \| 60\.0 \| 60\.0 \|$", markdown, re.M
    )


def test_several_sections_keep_their_anchors_apart(runs: Path) -> None:
    write_record(runs / "real", record("xnli", "de", 70, source="local"))
    page = Page(write_report(gather(runs)).read_text())
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_written_for_a_broken_record(runs: Path) -> None:
    (runs / "records" / "none-xnli-1" / "xnli.zh.test.json").write_text('{"schema": 1')
    before = sorted(runs.rglob("*"))
    with pytest.raises(UserError, match=r"xnli\.zh\.test\.json"):
        write_report(gather(runs))
    assert sorted(runs.rglob("*")) == before


def test_the_terminal_shows_grid_and_limits(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    print_report(gather(runs))
    shown = capsys.readouterr().out
    assert re.search(r"none +50\.0 +80\.0 +65\.0", shown)
    assert re.search(r"mnli +47\.5 +0\.0 +missing +incomplete", shown)
    assert "4 of 5 lang." in shown
    assert "diagnostic set" in shown

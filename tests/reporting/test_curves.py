"""Learning curves as SVG."""

import re
from pathlib import Path
from xml.etree import ElementTree

from dstilts.reporting.curves import Curve, Panel, draw, labels, panels, style
from dstilts.reporting.phases import collect_phases
from tests.reporting.record_builder import write_phase

SPENT = [(0.0, "start", 0.0), (1.0, "train", 9.0), (2.0, "train", 9.0), (3.0, "train", 9.0)]


def test_runs_of_one_phase_share_a_panel_and_a_label_its_colour(tmp_path: Path) -> None:
    for names in (["xnli"], ["nli", "xnli"], ["qa", "xnli"], ["nli"]):
        write_phase(tmp_path, names, {"mnli": 300}, SPENT)
    (tmp_path / "models" / "nli" / "manifest.json").write_text(
        (tmp_path / "models" / "nli" / "manifest.json").read_text().replace("mnli", "snli")
    )
    write_phase(tmp_path, ["short"], {"mnli": 300}, SPENT[:2])  # one point makes no line
    found = panels(collect_phases(tmp_path))
    shown = {(p.title, p.role): [c.label for c in p.curves] for p in found}
    assert shown[("nli", "intermediate")] == ["none"]
    assert shown[("xnli", "target")] == ["nli", "qa"]
    assert ("short", "intermediate") not in shown
    assert style("none", labels(found)) == (0, False)
    assert len({style(name, labels(found)) for name in labels(found)}) == len(labels(found))


def test_more_lines_than_colours_are_dashed() -> None:
    order = [f"task {number}" for number in range(12)]
    styles = [style(name, order) for name in order]
    assert len(set(styles)) == 12
    assert [is_dashed for _, is_dashed in styles] == [False] * 8 + [True] * 4


def test_the_drawing_brings_no_colour_font_or_reference_of_its_own() -> None:
    curves = (Curve("none", 1, ((1, 2.0), (9, 1.0))), Curve("qa", 1, ((1, 3.0), (9, 0.5))))
    panel = Panel("xnli", "target", curves)
    svg = draw(panel, labels([panel]))
    assert not re.search(r"#|url\(|http|id=|font-family|<style", svg)
    assert "var(--curve-1)" in svg
    assert "currentColor" in svg
    paths = [(path.attrib["style"], path.attrib["d"]) for path in _paths(svg)]
    (none,) = [d for look, d in paths if "stroke: currentColor" in look]
    (qa,) = [d for look, d in paths if "--curve-1" in look]
    (none_x, none_y), (qa_x, qa_y) = (re.findall(r"[\d.]+", d)[-2:] for d in (none, qa))
    assert none_x == qa_x  # the same last step
    assert float(none_y) < float(qa_y)  # the lower loss is further down
    assert draw(panel, labels([panel])) == svg


def test_words_for_whoever_sees_no_picture() -> None:
    curves = (Curve("none", 1, ((1, 2.0), (9, 1.0))), Curve("none", 2, ((1, 3.0), (9, 0.5))))
    words = Panel("xnli", "target", curves).words
    assert words == (
        "Loss by step of xnli (2 runs over all seeds): none from 2 to 1 and none from 3 to 0.5."
    )


def _paths(svg: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter("path"))

"""Figures: one SVG that takes the page's ink, the same for the same numbers."""

import xml.etree.ElementTree as ElementTree

from dstilts.studies.estimates import Estimate
from dstilts.studies.figure import Panel, Series, figure, standalone

PANELS = [
    Panel(
        "A <b> & c",
        "size",
        "per cent",
        series=(
            Series("fit", [1, 10, 100], [1, 2, 3], [0, 1, 2], [2, 3, 4], line=True),
            Series("runs", [1, 10, 100], [1, 2.5, 3], labels=["en", "de", "zh"]),
        ),
        log_x=True,
        ticks=[1, 10, 100],
    ),
    Panel("B", "points", estimates=[("gain", Estimate(1.0, 0.5, 1.5)), ("none", Estimate(-1.0))]),
]


def test_it_is_well_formed_and_has_no_fixed_ink() -> None:
    svg = figure(PANELS)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "currentColor" in svg
    assert "#000000" not in svg
    assert "#010203" not in svg
    assert "<b>" not in svg
    assert figure(PANELS) == svg


def test_alone_it_brings_its_own_ink_for_light_and_dark() -> None:
    text = standalone(figure(PANELS))
    assert ElementTree.fromstring(text.encode()).tag.endswith("svg")
    assert "prefers-color-scheme:dark" in text

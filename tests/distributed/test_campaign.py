"""A few kills of the campaign: one of each kind, over single-task and multi-task runs."""

import random
from pathlib import Path

import pytest

from tests.distributed import campaign
from tests.distributed.campaign import KINDS, STEPS

pytestmark = pytest.mark.distributed


def test_killed_runs_end_as_their_twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    kinds = iter(KINDS)

    class EachKind(random.Random):
        """Draws every kind in turn; two ranks, then others."""

        def choice(self, options):  # type: ignore[no-untyped-def]
            return next(kinds) if options is KINDS else super().choice(options)

    monkeypatch.setattr(campaign.random, "Random", EachKind)
    result = campaign.campaign(tmp_path, len(KINDS), seed=3, stages=(3,))
    assert result["ok"], result
    (run,) = result["runs"]
    assert [kill["kind"] for kill in run["kills"]] == list(KINDS)
    assert set(run["steps_seen"]) == set(range(STEPS))
    resumed = [kill["resumed_from"] for kill in run["kills"]]
    # No start over: the runs of these kills are longer than the steps between two saves.
    assert resumed[-1] > 0
    assert resumed == sorted(resumed)
    for first, kill in zip(resumed, run["kills"], strict=True):
        assert first <= kill["at_step"] + 1, kill
    campaign.draw_figure(result, tmp_path / "kills.svg")
    assert "every run ended as its undisturbed twin" in (tmp_path / "kills.svg").read_text()

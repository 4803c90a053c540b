"""All sides in processes of their own on a tiny encoder: the same start, the same work."""

import importlib.util
import json
from pathlib import Path

import pytest

from dstilts.bench import train
from dstilts.bench.comparison import SIDES, Comparison
from dstilts.bench.report import table_lines
from dstilts.bench.train import compare
from dstilts.core.errors import UserError

pytestmark = pytest.mark.distributed

HAS_TRAINER = importlib.util.find_spec("accelerate") is not None
FIELDS = {"examples_per_second", "tokens_per_second", "padding_share", "peak_memory_gib", "mfu"}
FIELDS |= {"startup_seconds", "last_loss", "held_out_loss", "ranks", "runs", "label"}


def comparison(encoder: Path, **options: object) -> Comparison:
    common: dict = {"tasks": ("mnli",), "made_up": True, "encoder": str(encoder), "threads": 2}
    sizes: dict = {"num_examples": 40, "num_held_out": 30, "batch_size": 8}
    return Comparison(**{**common, **sizes, **options})


@pytest.mark.skipif(not HAS_TRAINER, reason="Hugging Face's Trainer needs accelerate")
def test_all_sides_start_from_the_same_model_and_are_measured_alike(
    tmp_path: Path, encoder: Path
) -> None:
    """At a rate of next to nothing what a side ends with is what it began with."""
    out = tmp_path / "train.json"
    chosen = comparison(encoder, learning_rate=1e-12, made_up=False)
    result = compare(chosen, out, tmp_path / "work")
    assert json.loads(out.read_text())["tasks"] == json.loads(json.dumps(result["tasks"]))
    sides = result["tasks"]["mnli"]["sides"]
    assert tuple(sides) == SIDES
    held_out = {side: found["held_out_loss"] for side, found in sides.items()}
    for side, found in sides.items():
        assert set(found) >= FIELDS, side
        (run,) = found["runs"]
        assert held_out[side] == pytest.approx(held_out["torch"], abs=1e-3), side
        assert run["curve"][-1][0] == 40, side
        assert run["num_examples"] == pytest.approx(32, abs=8), side
        assert 0 < found["peak_memory_gib"] < 100, side
    # Both Trainers take the same examples in the same order: padding changes nothing but time.
    full, longest = (sides[f"trainer-{kind}"]["runs"][0] for kind in ("full", "longest"))
    assert [loss for _, loss in full["curve"]] == pytest.approx(
        [loss for _, loss in longest["curve"]], abs=2e-3
    )
    assert full["padding_share"] > longest["padding_share"] > sides["dstilts"]["padding_share"]
    assert set(result["tasks"]["mnli"]["ratios"]) == set(SIDES) - {"dstilts"}
    assert len(table_lines(result)) == 4 + len(SIDES)
    # Models are large and nobody asked for them.
    assert not list((tmp_path / "work").glob("*/model"))


def test_two_ranks_learn_the_same(tmp_path: Path, encoder: Path) -> None:
    sides = ("dstilts", "torch") + ("trainer-grouped",) * HAS_TRAINER
    sizes = {"num_examples": 1920, "batch_size": 16, "learning_rate": 3e-3}
    chosen = comparison(encoder, sides=sides, ranks=(2,), tasks=("qqp",), **sizes)
    result = compare(chosen, tmp_path / "train.json", tmp_path / "work")
    found = result["tasks"]["qqp"]["sides"]
    for side in sides:
        (run,) = found[side]["runs"]
        assert run["ranks"] == 2
        first, last = run["curve"][0][1], run["last_loss"]
        assert last < first - 0.2, side
        assert run["held_out_loss"] == pytest.approx(found["torch"]["held_out_loss"], abs=0.3)


def test_without_accelerate_the_trainer_is_refused(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"need the package accelerate; pip install"):
        compare(comparison(encoder), tmp_path / "train.json")


def test_an_encoder_that_is_too_short_is_found_at_once(tmp_path: Path, encoder: Path) -> None:
    with pytest.raises(UserError, match=r"batch\.max_length = 384 is more than tiny takes"):
        compare(comparison(encoder, tasks=("squad_v1",)), tmp_path / "train.json")

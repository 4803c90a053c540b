"""What the events of a run say."""

import math

import pytest

from dstilts.reporting.history import history, thinned


def start(time: float, **facts: object) -> dict[str, object]:
    return {"event": "start", "time": time, "num_steps": 4, **facts}


def train(time: float, step: int, loss: float) -> dict[str, object]:
    return {"event": "train", "time": time, "step": step, "loss": loss, "tokens_per_second": 10}


def test_what_was_taken_back_is_left_out_of_the_curve_but_not_of_the_cost() -> None:
    found = history(
        [
            start(0, world_size=2, device="cuda", first_step=0),
            *(train(10, 0, 3.0), train(20, 1, 2.5), train(30, 2, 9.0)),
            start(100, world_size=4, device="cuda", first_step=2),
            *(train(110, 2, 2.0), train(120, 3, 1.5)),
        ]
    )
    assert found is not None
    assert found.points == ((1, 3.0), (2, 2.5), (3, 2.0), (4, 1.5))
    assert (found.seconds, found.tokens, found.num_steps) == (50, 500, 4)
    assert found.hours == pytest.approx((30 * 2 + 20 * 4) / 3600)
    assert found.unit == "GPU-hours"


def test_a_run_that_began_anew_has_only_its_new_losses() -> None:
    old = [start(0, first_step=0), train(1, 0, 3.0), train(2, 1, 2.5), train(3, 2, 2.0)]
    found = history([*old, start(9, first_step=1), train(10, 1, 2.4)])
    assert found is not None
    assert found.points == ((1, 3.0), (2, 2.4))


def test_cores_count_on_a_processor_and_ranks_where_nothing_is_said() -> None:
    cores = history([start(0, world_size=2, device="cpu", threads=3), train(3600, 0, 1.0)])
    ranks = history([start(0, world_size=2), train(3600, 0, 1.0)])
    assert cores is not None
    assert ranks is not None
    assert (cores.hours, cores.unit) == (6, "core-hours")
    assert (ranks.hours, ranks.unit) == (2, "rank-hours")


def test_a_loss_that_is_no_number_is_no_point() -> None:
    found = history([start(0), train(1, 0, math.nan), train(2, 1, 2.0), {"event": "stalled"}])
    assert found is not None
    assert found.points == ((2, 2.0),)
    assert history([start(0)]) is None


def test_thinning_averages_neighbours_and_keeps_the_order() -> None:
    points = tuple((step, float(step)) for step in range(1, 11))
    assert thinned(points, 5) == ((2, 1.5), (4, 3.5), (6, 5.5), (8, 7.5), (10, 9.5))
    assert thinned(points, 10) == points

"""What the guards call a spike, a run at chance, and how often they set a run back."""

import math
from pathlib import Path

import pytest

from dstilts.core.errors import RunError
from dstilts.engine.guards import Attempt, LossGuard, RolledBack, restarted, set_back
from dstilts.engine.log_hook import StepLosses
from dstilts.engine.phase import GuardConfig

LN3 = math.log(3)


def guard(num_steps: int = 100, **config: float) -> LossGuard:
    return LossGuard(GuardConfig(**config), ["mnli", "squad_v1"], [LN3, None], num_steps)


def steps(*losses: float, first: int = 0, task: int = 0) -> list[StepLosses]:
    return [
        StepLosses(first + n, loss, (loss, None) if task == 0 else (None, loss))
        for n, loss in enumerate(losses)
    ]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_no_number(loss: float) -> None:
    with pytest.raises(RolledBack, match=r"the loss is \w+ at step 3") as caught:
        guard().look(steps(1.0, 1.0, loss, 1.0))
    assert caught.value.step == 3  # all that was taken until it was seen


def test_a_spike_is_high_above_the_median_and_the_beginning() -> None:
    falling = [1.1] * 10 + [0.05] * 40
    watching = guard()
    watching.look(steps(*falling))
    # Forty times the median, but a batch like this is no spike late in training.
    watching.look(steps(2.1, 0.05, first=50))
    with pytest.raises(RolledBack, match="the loss of mnli rose to 3 at step 53"):
        watching.look(steps(3.0, first=52))


def test_each_task_has_its_own_level() -> None:
    watching = guard()
    watching.look(steps(*[0.1] * 20))
    watching.look(steps(*[6.0] * 20, first=20, task=1))
    with pytest.raises(RolledBack, match="squad_v1"):
        watching.look(steps(61.0, first=40, task=1))


def test_no_spikes_where_none_are_wanted() -> None:
    watching = guard(spike=0.0)
    watching.look(steps(*[0.1] * 20, 1e9))


@pytest.mark.parametrize(("loss", "at_chance"), [(1.12, True), (1.08, True), (1.05, False)])
def test_at_chance(loss: float, at_chance: bool) -> None:
    watching = guard()
    watching.look(steps(*[0.2] * 75, *[loss] * 25))
    assert (watching.at_chance() is not None) == at_chance


def test_few_steps_tell_nothing() -> None:
    watching = guard(num_steps=40)
    watching.look(steps(*[1.1] * 40))
    assert watching.at_chance() is None


@pytest.mark.parametrize("cut", [0, 5, 30, 90])
def test_a_resumed_guard_sees_what_an_undisturbed_one_sees(cut: int) -> None:
    losses = [1.1 - 0.01 * n for n in range(100)]
    whole, first, second = guard(), guard(), guard()
    whole.look(steps(*losses))
    first.look(steps(*losses[:cut]))
    second.load(first.state())
    second.look(steps(*losses[cut:], first=cut))
    assert second.state() == whole.state()
    for each in (whole, second):
        with pytest.raises(RolledBack):
            each.look(steps(8.0, first=100))


def test_set_back_leaves_out_the_data_at_fault(tmp_path: Path) -> None:
    config = GuardConfig(roll_backs=2)
    attempt = Attempt.read(tmp_path)
    assert attempt == Attempt()
    attempt = set_back(attempt, config, "a", RolledBack(29, "spike"), 20)
    attempt = set_back(attempt, config, "a", RolledBack(39, "spike"), 30)
    assert attempt == Attempt(roll_backs=2, skipped=20)
    attempt.write(tmp_path)
    assert Attempt.read(tmp_path) == attempt
    with pytest.raises(RunError, match="after 2 roll-backs"):
        set_back(attempt, config, "a", RolledBack(49, "spike"), 40)


def test_a_restart_has_another_seed() -> None:
    again = restarted(Attempt(roll_backs=1, skipped=9))
    assert again == Attempt(restarts=1)
    assert len({Attempt().seed(1), again.seed(1), restarted(again).seed(1)}) == 3

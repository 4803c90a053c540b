"""How a number with its interval is written."""

from dstilts.studies.estimates import Estimate


def test_words() -> None:
    found = Estimate(-2.04, -3.5, -0.6)
    assert found.words(unit="points") == "−2.0 points (95 % interval −3.5 to −0.6)"
    assert found.short() == "−2.0 [−3.5, −0.6]"
    assert found.sign == -1
    assert Estimate(0.01, -1.0, 1.0).words() == "0.0 (95 % interval −1.0 to +1.0)"
    assert Estimate(1.0).words() == "+1.0 (no interval: too few runs)"
    assert Estimate(1.0).sign == 0
    assert Estimate(1135.0, 1000.0, 2000.0).short(",.0f") == "1,135 [1,000, 2,000]"
    assert Estimate(99.0, 96.0, 102.0).per_cent() == Estimate(99.0, 96.0, 100.0)


def test_another_unit_turns_the_ends() -> None:
    assert Estimate(2.0, 1.0, 4.0).times(-10) == Estimate(-20.0, -40.0, -10.0)

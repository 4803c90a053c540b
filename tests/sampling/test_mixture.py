"""Mixture weights: each kind by hand."""

import numpy as np
import pytest

from dstilts.sampling.mixture import Mixture, mixture_weights

SIZES = (100, 300, 1600)


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("proportional", {}, [0.05, 0.15, 0.8]),
        ("capped", {"cap": 300}, [1 / 7, 3 / 7, 3 / 7]),
        ("temperature", {"temperature": 1.0}, [0.05, 0.15, 0.8]),
        ("temperature", {"temperature": 2.0, "cap": 400}, [10, 300**0.5, 20]),
        ("uniform", {}, [1, 1, 1]),
        ("explicit", {"explicit": [1.0, 1.0, 2.0]}, [0.25, 0.25, 0.5]),
    ],
)
def test_weights(kind: Mixture, options: dict[str, object], expected: list[float]) -> None:
    weights = mixture_weights(kind, SIZES, **options)  # type: ignore[arg-type]
    np.testing.assert_allclose(weights, np.array(expected) / sum(expected))


def test_a_high_temperature_is_uniform() -> None:
    np.testing.assert_allclose(
        mixture_weights("temperature", SIZES, temperature=1e6), [1 / 3] * 3, rtol=1e-4
    )


@pytest.mark.parametrize("shares", [[1.0, 0.0, 1.0], [1.0, 2.0], []])
def test_every_task_needs_a_share(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="needs a share above 0"):
        mixture_weights("explicit", SIZES, explicit=shares)

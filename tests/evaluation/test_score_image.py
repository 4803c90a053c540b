"""The image of scores: each box has the colour of its score, and the number on it."""

import numpy as np
import pytest

from dstilts.evaluation.score_image import MEAN, box, colour, languages, score_image

SCORES = {"xnli": {"sw": 100.0, "de": 0.0, "th": 34.5}, "panx": {"af": 71.0, "de": 34.5}}
AVERAGES = {"xnli": 44.8, "panx": 52.8}


def test_boxes_have_their_colours_and_what_is_missing_is_grey() -> None:
    image = score_image(SCORES, AVERAGES)
    assert image.dtype == np.uint8
    assert languages(SCORES) == ["af", "de", "sw", "th"]
    for row, (name, found) in enumerate(SCORES.items()):
        for number, code in enumerate((MEAN, *languages(SCORES))):
            place = box(row, number)
            value = AVERAGES[name] if code == MEAN else found.get(code)
            inside = image[place.top : place.bottom - 1, place.left : place.right - 1]
            assert tuple(inside[0, 0]) == tuple(inside[-1, -1]) == colour(value)
            has_number = bool((inside != np.array(colour(value))).any())
            assert has_number == (value is not None)
    last = box(1, 4)
    assert image.shape[:2] > (last.bottom, last.right)


def test_the_same_score_has_the_same_box_wherever_it_stands() -> None:
    image = score_image(SCORES, AVERAGES)
    one, other = (image[p.top : p.bottom - 1, p.left : p.right - 1] for p in (box(0, 4), box(1, 2)))
    assert np.array_equal(one, other)


def test_colours_go_from_low_to_high() -> None:
    shades = [sum(colour(value)) for value in (0.0, 20.0, 50.0, 90.0, 100.0)]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 5
    assert colour(-3.0) == colour(0.0)
    assert colour(None) not in {colour(value) for value in np.linspace(0, 100, 1001)}


@pytest.mark.parametrize("codes", [1, 40])
def test_any_number_of_languages_fits(codes: int) -> None:
    scores = {"tatoeba": {f"l{n:02d}": 2.0 * n for n in range(codes)}}
    image = score_image(scores, {"tatoeba": 1.0})
    assert image.shape[1] > box(0, codes).right
    headings = image[: box(0, 0).top - 2, box(0, codes).left :]
    assert (headings < 128).any()

"""The scores of one model as an image: a row a task, a column a language, for TensorBoard."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

MEAN = "mean"  # the first column
_WIDTH, _HEIGHT = 46, 26  # of a box, in pixels
_LEFT, _TOP, _FONT = 110, 30, 13
_PAPER, _INK, _MISSING = (255, 255, 255), (25, 25, 25), (225, 225, 225)
_LOW, _HIGH = (247, 251, 255), (8, 69, 148)  # of 0 and of 100 per cent


class Box(NamedTuple):
    """Where a score stands in the image, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def score_image(
    scores: Mapping[str, Mapping[str, float]], averages: Mapping[str, float]
) -> npt.NDArray[np.uint8]:
    """The main metrics in per cent by task and language, as pixels (rows, columns, 3).

    Languages are in the order of their codes. One scale of colours for all tasks, from 0 to 100 per
    cent; a language that a task lacks is grey.

    Args:
        averages: of each task over its languages.
    """
    columns = (MEAN, *languages(scores))
    corner = box(len(scores) - 1, len(columns) - 1)
    image = Image.new("RGB", (corner.right + 8, corner.bottom + 8), _PAPER)
    pen = ImageDraw.Draw(image)
    pen.fontmode = "L"
    font = ImageFont.load_default(_FONT)
    for number, code in enumerate(columns):
        place = box(0, number)
        pen.text((_middle(place)[0], _TOP // 2), code, _INK, font, anchor="mm")
    for row, (name, found) in enumerate(scores.items()):
        pen.text((_LEFT - 8, _middle(box(row, 0))[1]), name, _INK, font, anchor="rm")
        values = {**found, MEAN: averages[name]}
        for number, code in enumerate(columns):
            _draw(pen, box(row, number), values.get(code), font)
    return np.asarray(image)


def languages(scores: Mapping[str, Mapping[str, float]]) -> Sequence[str]:
    """Those of all tasks, in the order of the columns."""
    return sorted({code for found in scores.values() for code in found})


def box(row: int, column: int) -> Box:
    """The place of a task's score; column 0 is the mean, which stands apart."""
    left = _LEFT + column * _WIDTH + (8 if column else 0)
    top = _TOP + row * _HEIGHT
    return Box(left, top, left + _WIDTH, top + _HEIGHT)


def colour(value: float | None) -> Colour:
    """Of a score in per cent."""
    if value is None:
        return _MISSING
    share = min(1.0, max(0.0, value / 100))
    red, green, blue = (
        round(low + share * (high - low)) for low, high in zip(_LOW, _HIGH, strict=True)
    )
    return red, green, blue


def _draw(
    pen: ImageDraw.ImageDraw,
    place: Box,
    value: float | None,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    # A pixel of paper between the boxes.
    pen.rectangle((place.left, place.top, place.right - 2, place.bottom - 2), colour(value))
    if value is not None:
        ink = _PAPER if value > 50 else _INK
        pen.text(_middle(place), f"{value:.1f}", ink, font, anchor="mm")


def _middle(place: Box) -> tuple[float, float]:
    return (place.left + place.right) / 2 - 1, (place.top + place.bottom) / 2 - 1

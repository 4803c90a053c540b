"""Keys depend on content alone: not on key order or container type, but on every value."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from dstilts.core.digest import canonical_json, digest, file_digest, short_key, stream_digest


@dataclass(frozen=True)
class Point:
    x: int
    name: str


def test_order_and_container_do_not_matter() -> None:
    assert digest({"b": (1, 2), "a": None}) == digest({"a": None, "b": [1, 2]})
    assert digest(Point(1, "p")) == digest({"name": "p", "x": 1})
    assert digest({3, 1, 2}) == digest([1, 2, 3])


def test_values_matter() -> None:
    keys = {short_key(value) for value in (1, 1.5, "1", None, True, [1], {"1": 1}, Path("1/2"))}
    assert len(keys) == 8


def test_no_canonical_form() -> None:
    with pytest.raises(TypeError, match="no canonical JSON for object"):
        canonical_json(object())
    with pytest.raises(TypeError, match="must be a string"):
        canonical_json({1: 2})
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("inf"))


def test_streams_are_framed() -> None:
    assert stream_digest(["ab", "c"]) != stream_digest(["a", "bc"])


def test_file_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert file_digest(tmp_path / "empty").startswith("e3b0c44298fc1c14")

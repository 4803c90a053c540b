"""The tile that the search kernels take: measured once per device and width, and kept on disk."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tile:
    """The piece of the matrix that one program computes, and how."""

    rows: int
    columns: int
    depth: int  # dimensions in a step of the sum
    warps: int
    stages: int  # steps in flight
    group: int = 8  # row tiles that run side by side, for the cache

    def shared_bytes(self, item_bytes: int) -> int:
        """The shared memory of a program: the vectors in flight, and what reductions need."""
        return self.stages * (self.rows + self.columns) * self.depth * item_bytes + 1024


# Compiled for sm_90, none of these spills in its main loop. The first that a device has room for is
# what is taken unmeasured. With 4 warps two programs share a multiprocessor, so one looks for hits
# while the other multiplies.
HALF_TILES = (
    Tile(128, 256, 64, warps=8, stages=4),
    Tile(128, 256, 64, warps=8, stages=3),
    Tile(128, 128, 64, warps=8, stages=4),
    Tile(128, 128, 64, warps=4, stages=3),
)
SINGLE_TILES = (
    Tile(128, 64, 32, warps=8, stages=3),
    Tile(64, 64, 32, warps=4, stages=3),
)
# An interpreter pays for programs, not for numbers.
INTERPRETED = Tile(64, 128, 64, warps=1, stages=1)

_KNOWN: dict[str, Tile] = {}


def width_bucket(width: int) -> int:
    """The power of two, at least 64, that stands for the widths up to it."""
    return max(64, 1 << (width - 1).bit_length())


def cache_file() -> Path:
    """`triton-tiles.json` below $DSTILTS_CACHE, or below the user's cache folder."""
    base = os.environ.get("DSTILTS_CACHE")
    if base:
        return Path(base) / "triton-tiles.json"
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "dstilts" / "triton-tiles.json"


def fastest_tile(key: str, tiles: Iterable[Tile], seconds: Callable[[Tile], float]) -> Tile:
    """The tile that took least, as the cache says, or as measured now."""
    if key not in _KNOWN:
        stored = _read(cache_file())
        if key not in stored:
            stored[key] = min(tiles, key=seconds)
            _write(cache_file(), stored)
        _KNOWN[key] = stored[key]
    return _KNOWN[key]


def _read(file: Path) -> dict[str, Tile]:
    # A cache from another version, or a broken one, is measured anew.
    try:
        return {key: Tile(**tile) for key, tile in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(file: Path, tiles: dict[str, Tile]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Several ranks may measure at once: each writes a file of its own, and the last one stays.
        part = file.with_name(f"{file.name}.{os.getpid()}")
        part.write_text(json.dumps({key: asdict(tile) for key, tile in tiles.items()}, indent=1))
        part.replace(file)
    except OSError:
        return  # a read-only home: measured in each process

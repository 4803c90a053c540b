"""Where converted encoders and tokenised tables are kept between runs."""

import os
from pathlib import Path


def cache_folder(*parts: str) -> Path:
    """A folder below `$DSTILTS_CACHE`, or below the user's cache folder; not yet made."""
    base = os.environ.get("DSTILTS_CACHE")
    if base:
        return Path(base).joinpath(*parts)
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user).joinpath("dstilts", *parts)

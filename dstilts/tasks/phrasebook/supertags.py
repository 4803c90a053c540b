"""The supertags of English statements: a category of Combinatory Categorial Grammar a word."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from dstilts.tasks.phrasebook.generator import Filled
from dstilts.tasks.phrasebook.plan import Ref

_FEATURE = re.compile(r"\[(\w+)\]")


def supertags(filled: Filled) -> tuple[str, ...]:
    """The categories of a statement's words in English, as CCGbank spells them."""
    table = _table()
    tags: list[str] = []
    for piece in table["statements"][filled.frame].split():
        if piece.startswith("{"):
            tags += _of_entry(table, filled.values[piece.strip("{}")]).split()
        else:
            tags.append(piece)
    return (*tags, ".")


def pmb_spelling(category: str) -> str:
    r"""A category of CCGbank as the Parallel Meaning Bank spells it: (s:dcl\np)/np.

    Noun phrases have no feature there but that of "there".
    """
    return _FEATURE.sub(r":\1", category.replace("[nb]", "")).lower()


def _of_entry(table: Mapping[str, Any], ref: Ref) -> str:
    category: str = table["entries"].get(".".join(ref)) or table["classes"][ref.class_name]
    return category


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    path = Path(__file__).parent / "supertags.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))

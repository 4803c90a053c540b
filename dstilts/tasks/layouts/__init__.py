"""Where a folder of data sets keeps each split: upstream's names, and own splits without them.

Every name is looked for in the data folder and in its folder `download`, where XTREME's scripts put
their data; plain and with .gz. The tables of names stand at the head of `pairs`, `choices`,
`spans`, `tagging`, `retrieval` and `texts`.
"""

from collections.abc import Mapping

from dstilts.tasks.layouts.choices import CHOICES, OTHER_CHOICES
from dstilts.tasks.layouts.files import Files, Group, Others, Part
from dstilts.tasks.layouts.pairs import OTHER_PAIRS, PAIRS
from dstilts.tasks.layouts.retrieval import OTHER_RETRIEVAL, RETRIEVAL
from dstilts.tasks.layouts.spans import OTHER_SPANS, SPANS
from dstilts.tasks.layouts.tagging import OTHER_TAGGING, TAGGING
from dstilts.tasks.layouts.texts import OTHER_TEXTS, TEXTS

# By task and split, what is looked for first stands first.
LAYOUTS: Mapping[str, Mapping[str, tuple[Files, ...]]] = {
    **PAIRS,
    **CHOICES,
    **SPANS,
    **TAGGING,
    **RETRIEVAL,
    **TEXTS,
}

# By task, files of its data set that no split takes.
OTHER_FILES: Mapping[str, tuple[Others, ...]] = {
    **OTHER_PAIRS,
    **OTHER_CHOICES,
    **OTHER_SPANS,
    **OTHER_TAGGING,
    **OTHER_RETRIEVAL,
    **OTHER_TEXTS,
}

__all__ = ["LAYOUTS", "OTHER_FILES", "Files", "Group", "Others", "Part"]

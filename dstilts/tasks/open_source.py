"""Sources by name."""

from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.registry import unknown
from dstilts.tasks.local import LocalSource
from dstilts.tasks.source import Source

SOURCES = ("local", "phrasebook", "hub")


def open_source(name: str, folder: Path | None = None) -> Source:
    """The source of that name: `local` needs a folder of data sets, the others take none.

    Raises:
        UserError: there is no such source, or no such folder.
    """
    if name == "phrasebook":
        from dstilts.tasks.phrasebook.source import PhrasebookSource

        return PhrasebookSource()
    if name == "hub":
        from dstilts.tasks.hub.source import HubSource

        return HubSource()
    if name == "local":
        if folder is None:
            raise UserError("the source 'local' needs a folder of data sets")
        return LocalSource(folder)
    raise unknown("source", name, SOURCES)

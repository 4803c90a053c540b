"""The options that say where examples come from."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstilts.core.errors import UserError

if TYPE_CHECKING:
    from dstilts.tasks.source import Source

SOURCES = ("phrasebook", "local", "hub")


def add_source(parser: Any) -> None:
    """Adds --data and --source."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder of data sets (default: the phrasebook)"
    )
    parser.add_argument(
        "--source", choices=SOURCES, help="default: local with --data, else the phrasebook"
    )


def chosen_source(data: Path | None, source: str | None) -> "Source":
    """The source that the options name.

    Raises:
        UserError: a folder without `local` or the other way round, or no such folder.
    """
    from dstilts.tasks.open_source import open_source

    name = source or ("local" if data else "phrasebook")
    if (data is not None) != (name == "local"):
        raise UserError(
            f"--source {name} {'takes no' if data else 'needs'} --data",
            remedy="give --data DIR with --source local only",
        )
    return open_source(name, data)

"""How tables are printed on a terminal and in a log."""

from rich.console import Console
from rich.table import Table


def print_table(table: Table, console: Console) -> None:
    """Prints a table; in a log, which has no width that it would be folded to, unfolded."""
    width = console.width
    if not console.is_terminal:
        console.width = 10_000
        console.width = max(width, console.measure(table).maximum)
    console.print(table)
    console.width = width

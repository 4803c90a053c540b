"""An argument parser whose mistakes are one line and whose help has examples."""

import argparse
import re
from collections.abc import Callable
from typing import Any, Literal, NoReturn

from dstilts.core.errors import UserError
from dstilts.core.registry import nearest


class Parser(argparse.ArgumentParser):
    """`argparse` with errors as `UserError` and the help text kept as it was written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options
        )

    def error(self, message: str) -> NoReturn:
        """Raises the message as the user's mistake, with a suggestion where a name is unknown."""
        raise UserError(message, remedy=self._suggestion(message) or f"see {self.prog} --help")

    def _suggestion(self, message: str) -> str | None:
        if found := re.match(r"unrecognized arguments: (--\S+)", message):
            guess = nearest(found[1].partition("=")[0], self._options())
            return f"did you mean {guess!r}?" if guess else None
        if found := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            guess = nearest(found[1], re.findall(r"'([^']+)'", found[2]))
            return f"did you mean {guess!r}?" if guess else None
        return None

    def _options(self) -> set[str]:
        """The options of this parser and of its commands, which leave unknown ones to it."""
        options = {name for action in self._actions for name in action.option_strings}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for command in action.choices.values():
                    options |= command._options()
        return options


def add_command(
    commands: Any, name: str, summary: str, example: str, handler: Callable[..., int | None]
) -> Parser:
    """Adds a command; its `handler` gets the arguments as keywords and returns an exit code.

    Args:
        commands: what `add_subparsers` returned.
        example: one or more command lines for the end of `--help`.
    """
    parser: Parser = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example:\n  {example}"
    )
    parser.set_defaults(handler=handler)
    return parser


def names(text: str) -> tuple[str, ...]:
    """The names of an option, separated by commas."""
    found = tuple(filter(None, text.split(",")))
    if not found:
        raise argparse.ArgumentTypeError("names separated by commas are needed")
    return found


def count(text: str) -> int:
    """The number of an option, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def layer_number(text: str) -> int | Literal["all"]:
    """The layer of an option: a number, negative from the last one, or all."""
    if text == "all":
        return "all"
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a layer, nor all") from None

"""Mistakes of the user and failures of a run: one line at the command line, and an exit code."""

from pathlib import Path


class UserError(Exception):
    """A mistake in what the user gave: a file, a key, a name. Nothing has been changed on disk.

    Args:
        problem: what is wrong, in one sentence without a full stop.
        file: the file it is in, where there is one.
        line: the line in that file, counted from 1.
        remedy: what to do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.line = line
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        place = self.file or ""
        if place and self.line is not None:
            place = f"{place}:{self.line}"
        text = f"{place}: {self.problem}" if place else self.problem
        if self.remedy:
            text = f"{text}; {self.remedy}"
        # A message taken from a parser may span lines; the promise is one line.
        return " ".join(text.split())

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments need help to cross a process pool.
        return (_rebuild, (self.problem, self.file, self.line, self.remedy))


class RunError(Exception):
    """A run cannot go on, and not because of what the user gave; a restart may help."""

    exit_code = 1


class IncompleteError(RunError):
    """A part of a run failed; everything else is done and written."""

    exit_code = 3


def _rebuild(problem: str, file: str | None, line: int | None, remedy: str | None) -> "UserError":
    return UserError(problem, file=file, line=line, remedy=remedy)

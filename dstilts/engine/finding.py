"""What a check of the environment found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One line: what there is, or what is wrong and what to do about it."""

    level: Level
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Subject:
    """What is looked at beside the machine itself."""

    ranks: int = 1  # that a run on this machine would have
    runs: Path = Path("runs")  # where models and records go
    data: Path | None = None  # a folder of data sets


Check = Callable[[Subject], Finding]


def worst(problems: Sequence[Finding], fine: str) -> Finding:
    """One finding of several problems, with the level of the worst one; `fine` if there is none."""
    if not problems:
        return Finding("ok", fine)
    is_error = any(problem.level == "error" for problem in problems)
    return Finding(
        "error" if is_error else "warning",
        "; ".join(problem.text for problem in problems),
        "; ".join(dict.fromkeys(problem.remedy for problem in problems if problem.remedy)),
    )

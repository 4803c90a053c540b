"""Which training sets share texts with which evaluation sets, as preparing a grid found."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.reporting.tables import language_name, task_title
from dstilts.reporting.text import count, listing, plural
from dstilts.reporting.text_table import TextTable

FILE = "leakage.json"  # as `dstilts tasks leakage --json` and the preparation of a grid write it


@dataclass(frozen=True)
class Leak:
    """A training and an evaluation set that were compared."""

    training: str
    evaluation: str
    language: str
    num_examples: int
    exact: int  # examples that stand whole in the training set
    runs: int  # with a run of 13 words that stands there
    leaks: bool


def collect_leaks(runs: Path) -> list[Leak] | None:
    """All comparisons stored below `runs`, each once; None where there is no file of them.

    Raises:
        UserError: a file is broken.
    """
    files = sorted(runs.rglob(FILE))
    found: dict[Leak, None] = {}
    for file in files:
        try:
            for entry in read_json(file):
                names = {name: entry[name] for name in Leak.__dataclass_fields__}
                found[Leak(**names)] = None
        except (KeyError, TypeError) as error:
            raise UserError(f"not a list of overlaps ({error!r})", file=file) from None
    return list(found) if files else None


def leak_table(leaks: Sequence[Leak] | None) -> TextTable | None:
    """A line a pair of tasks that share anything, those that leak first; None: not compared."""
    if leaks is None:
        return None
    pairs: dict[tuple[str, str], list[Leak]] = defaultdict(list)
    for leak in leaks:
        pairs[leak.training, leak.evaluation].append(leak)
    sharing = {pair: sets for pair, sets in pairs.items() if any(s.exact or s.runs for s in sets)}
    order = sorted(sharing, key=lambda pair: (not any(s.leaks for s in sharing[pair]), pair))
    leaking = sum(leak.leaks for leak in leaks)
    return TextTable(
        slug="leakage",
        title="Leakage",
        lead=(
            f"{plural(len(leaks), 'pair')} of a training and an evaluation set compared: "
            f"{leaking:,} of them leak (2 % of the examples or more stand in the training set, "
            "whole or with a run of 13 words)."
        ),
        head=("training set", "evaluated on", "leaks", "compared", "examples", "whole", "in part"),
        rows=tuple((task_title(a)[0], task_title(b)[0], *_line(sharing[a, b])) for a, b in order),
        num_words=3,
    )


def _line(sets: Sequence[Leak]) -> tuple[str, ...]:
    leaking = list(dict.fromkeys(language_name(s.language) for s in sets if s.leaks))
    words = "no"
    if leaking:
        words = listing(leaking) if len(leaking) < 6 else plural(len(leaking), "language")
    return (
        words,
        plural(len(sets), "set"),
        count(sum(s.num_examples for s in sets)),
        count(sum(s.exact for s in sets)),
        count(sum(s.runs for s in sets)),
    )

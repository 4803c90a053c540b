"""What a study says: its question, the answer in words, numbers, tables and a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from dstilts.reporting.markdown import table
from dstilts.studies.estimates import Estimate

SCHEMA = 1


@dataclass(frozen=True)
class ResultTable:
    """A table as a reader sees it; the first `num_words` columns are words."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    num_words: int = 1


@dataclass(frozen=True)
class StudyResult:
    """The outcome of one study.

    Attributes:
        answer: sentences; each number with its interval.
        limits: what the answer cannot show, a sentence each.
        numbers: what the answer is made of, for machines.
        figure: an SVG, with a caption that says what its marks are.
    """

    study: str
    question: str
    answer: tuple[str, ...]
    limits: tuple[str, ...]
    tables: tuple[ResultTable, ...]
    figure: str
    caption: str
    numbers: Mapping[str, Estimate | float | None]
    facts: Mapping[str, str] = field(default_factory=dict)


def to_json(result: StudyResult) -> dict[str, object]:
    """The result without its figure, in canonical types."""
    numbers = {
        name: asdict(found) if isinstance(found, Estimate) else found
        for name, found in result.numbers.items()
    }
    return {
        "schema": SCHEMA,
        "study": result.study,
        "question": result.question,
        "answer": list(result.answer),
        "limits": list(result.limits),
        "facts": dict(result.facts),
        "numbers": {name: _finite(found) for name, found in numbers.items()},
        "tables": [asdict(found) for found in result.tables],
    }


def to_markdown(result: StudyResult) -> str:
    """Question, answer, limits and tables."""
    blocks = [
        f"# {result.question}",
        " ".join(result.answer),
        "![figure](figure.svg)",
        result.caption,
        "## What this cannot show",
        _bullets(result.limits),
    ]
    for found in result.tables:
        blocks += [f"## {found.title}", table(found.head, found.rows, found.num_words)]
    blocks += ["## Run", _bullets([f"{name}: {value}" for name, value in result.facts.items()])]
    return "\n\n".join(blocks) + "\n"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _finite(value: object) -> object:
    """JSON has no infinity: an end without a bound is null."""
    if isinstance(value, dict):
        return {name: _finite(found) for name, found in value.items()}
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value

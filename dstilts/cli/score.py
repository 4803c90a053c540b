"""`dstilts score`: predictions in the benchmarks' layout against labels in the same layout."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstilts.cli.parser import add_command

if TYPE_CHECKING:
    from dstilts.tasks.submission.benchmark_scores import BenchmarkScores


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "score",
        "score predictions as XTREME's and XTREME-R's scripts do: TASK/test-LANGUAGE.{tsv,json}",
        "dstilts score predictions/ --labels labels/ --json scores.json",
        score,
    )
    parser.add_argument("predictions", type=Path, metavar="PREDICTIONS")
    parser.add_argument("--labels", type=Path, required=True, metavar="LABELS")
    parser.add_argument("--json", type=Path, metavar="OUT", dest="json_file", help="all scores")
    parser.add_argument(
        "--benchmark",
        choices=("xtreme", "xtreme-r"),
        help="default: xtreme, unless what is there fits xtreme-r only",
    )


def score(predictions: Path, labels: Path, json_file: Path | None, benchmark: str | None) -> None:
    """Prints the scores by language, task and group, and what is missing."""
    from dstilts.tasks.benchmarks import BENCHMARKS
    from dstilts.tasks.submission.benchmark_scores import score_folder

    chosen = BENCHMARKS[benchmark] if benchmark else None
    scores = score_folder(predictions, labels, chosen)
    if json_file is not None:
        _write(json_file, scores.table())
    print("\n".join(_lines(scores)))


def _write(file: Path, table: dict[str, Any]) -> None:
    from dstilts.core.errors import UserError
    from dstilts.core.files import write_json

    try:
        write_json(file, table)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise UserError(problem, file=file, remedy="give another --json") from None


def _lines(scores: "BenchmarkScores") -> Iterator[str]:
    title = scores.benchmark.title
    for name, found in scores.tasks.items():
        others = "" if name in scores.benchmark.tasks else f"  (not one of {title}'s tasks)"
        yield f"{name}  score {found.score:.5f}{others}"
        yield f"  mean  {_values(found.average)}  ({len(found.languages)} languages)"
        for code, metrics in found.languages.items():
            yield f"  {code:4s}  {_values(metrics)}"
        for note in found.notes():
            yield f"  {note}"
    yield ""
    for name in scores.benchmark.groups:
        yield f"{name:15s} {_or_missing(scores.groups.get(name))}"
    yield f"{'overall':15s} {_or_missing(scores.overall)}  ({title})"
    if scores.missing:
        yield f"missing, or not in all languages: {' '.join(scores.missing)}"


def _values(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{metric} {value:.5f}" for metric, value in metrics.items())


def _or_missing(value: float | None) -> str:
    return "tasks are missing" if value is None else f"{value:.5f}"

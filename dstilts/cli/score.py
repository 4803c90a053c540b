"""`dstilts score`: predictions in the benchmarks' layout against labels in the same layout."""

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
        help="default: xtreme, unless all tasks that are there fit xtreme-r only",
    )


def score(predictions: Path, labels: Path, json_file: Path | None, benchmark: str | None) -> None:
    """Prints the scores by language, task and group, and what is missing."""
    from dstilts.core.files import write_json
    from dstilts.tasks.benchmarks import BENCHMARKS
    from dstilts.tasks.submission.benchmark_scores import score_folder

    chosen = BENCHMARKS[benchmark] if benchmark else None
    scores = score_folder(predictions, labels, chosen)
    if json_file is not None:
        write_json(json_file, scores.table())
    print("\n".join(_lines(scores)))


def _lines(scores: "BenchmarkScores") -> list[str]:
    lines = []
    for name, found in scores.tasks.items():
        lines.append(f"{name}  score {found.score:.5f}")
        average = "  ".join(f"{metric} {value:.5f}" for metric, value in found.average.items())
        lines.append(f"  mean  {average}  ({len(found.languages)} languages)")
        for code, metrics in found.languages.items():
            values = "  ".join(f"{metric} {value:.5f}" for metric, value in metrics.items())
            lines.append(f"  {code:4s}  {values}")
        if found.missing:
            lines.append(f"  missing languages: {' '.join(found.missing)}")
    lines.append("")
    for name, value in scores.groups.items():
        lines.append(f"{name:15s} {_or_missing(value)}")
    lines.append(f"{'overall':15s} {_or_missing(scores.overall)}  ({scores.benchmark.title})")
    if scores.missing:
        lines.append(f"not there, or not in all languages: {' '.join(scores.missing)}")
    return lines


def _or_missing(value: float | None) -> str:
    return "tasks are missing" if value is None else f"{value:.5f}"

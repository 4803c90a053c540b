"""`dstilts evaluate`: models on tasks in many languages, by one process or many."""

from pathlib import Path
from typing import Any, Literal

from dstilts.cli.parser import add_command, count, layer_number, names
from dstilts.cli.source import add_source, chosen_source


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "evaluate",
        "evaluate models on tasks in every language of a source",
        "dstilts evaluate default --tasks tatoeba --languages de,fr\n"
        "  dstilts evaluate runs/quickstart/models/xnli-s1-* --tasks xnli --workers 2\n"
        "  mpiexec -n 8 dstilts evaluate MODEL_DIR --tasks xnli,tatoeba --data DIR",
        run,
    )
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="a published folder, or an encoder (retrieval)"
    )
    parser.add_argument("--tasks", type=names, required=True, metavar="NAME,...")
    parser.add_argument(
        "--languages", type=names, metavar="CODE,...", help="default: all of the source"
    )
    add_source(parser)
    parser.add_argument(
        "--limit", type=count, metavar="N", help="examples a language (default: all)"
    )
    parser.add_argument(
        "--split", choices=("dev", "test"), help="default: what each task is reported on"
    )
    parser.add_argument(
        "--workers", type=count, default=1, metavar="N", help="processes, without mpiexec"
    )
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument(
        "--tokens", type=count, default=4096, metavar="N", help="of a micro-batch, with padding"
    )
    parser.add_argument(
        "--layer",
        "--layers",
        type=layer_number,
        default=-1,
        metavar="N|all",
        help="of sentence vectors (default: the last); all: each is scored, the best on dev taken",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("runs/evaluate"), metavar="RUNS_DIR", help="for records"
    )


def run(
    models: list[str],
    tasks: tuple[str, ...],
    languages: tuple[str, ...] | None,
    data: Path | None,
    source: str | None,
    limit: int | None,
    split: str | None,
    workers: int,
    precision: str,
    tokens: int,
    layer: int | Literal["all"],
    output: Path,
) -> None:
    """Evaluates what is missing and prints the paths of the records."""
    from dstilts.evaluation.evaluate import evaluate
    from dstilts.evaluation.executors import open_executor
    from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest

    # All ranks of mpiexec come here; what may fail stands inside, see `open_executor`.
    with open_executor(workers) as executor:
        if executor is None:
            return
        options = EvaluationOptions(precision=precision, tokens=tokens, retrieval_layer=layer)
        opened = chosen_source(data, source)
        requests = [
            EvaluationRequest(model, tasks, languages=languages, limit=limit, split=split)
            for model in models
        ]
        for record in evaluate(requests, opened, output, options, executor):
            print(record)

"""`dstilts evaluate`: models on tasks in many languages, by one process or many."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dstilts.cli.parser import add_command, count, layer_number, names
from dstilts.cli.source import add_source, chosen_source
from dstilts.core.errors import UserError
from dstilts.core.logs import log

if TYPE_CHECKING:
    from dstilts.evaluation.choice import Choice
    from dstilts.evaluation.executors import Workers
    from dstilts.evaluation.plan import EvaluationOptions
    from dstilts.tasks.source import Source


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "evaluate",
        "evaluate models on tasks in every language of a source",
        "dstilts evaluate default --tasks tatoeba --langs de,fr\n"
        "  dstilts evaluate runs/quickstart/models/xnli-s1-* --tasks xnli --workers 2\n"
        "  dstilts evaluate MODEL_DIR... --tasks xtreme --langs all --data DIR\n"
        "  dstilts evaluate --watch runs/paper/models --tasks xtreme --data DIR\n"
        "  mpiexec -n 8 dstilts evaluate MODEL_DIR --tasks xnli,tatoeba --data DIR",
        run,
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="a published folder, or an encoder (retrieval)"
    )
    parser.add_argument(
        "--watch", type=Path, metavar="RUNS_DIR", help="each model as it is published below here"
    )
    parser.add_argument(
        "--once", action="store_true", help="with --watch: end when all that are there are done"
    )
    parser.add_argument(
        "--tasks", type=names, required=True, metavar="NAME,...", help="also: xtreme, xtreme-r"
    )
    parser.add_argument(
        "--langs",
        "--languages",
        type=names,
        dest="languages",
        metavar="CODE,...",
        help="default: a benchmark's own, else all of the source, as with `all`",
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
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16", "int8"),
        default="fp32",
        help="on a CPU a lower one is used for tasks on a sample of which it predicts the same",
    )
    parser.add_argument(
        "--tokens",
        type=count,
        metavar="N",
        help="of a micro-batch, with padding (default: 1024 on a CPU, 4096 on a GPU)",
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
    watch: Path | None,
    once: bool,
    tasks: tuple[str, ...],
    languages: tuple[str, ...] | None,
    data: Path | None,
    source: str | None,
    limit: int | None,
    split: str | None,
    workers: int,
    precision: str,
    tokens: int | None,
    layer: int | Literal["all"],
    output: Path,
) -> int:
    """Evaluates what is missing; prints the paths of the records, and all scores in a table."""
    from dstilts.evaluation.choice import Choice
    from dstilts.evaluation.executors import open_executor
    from dstilts.evaluation.plan import EvaluationOptions, usual_tokens

    # All ranks of mpiexec come here; what may fail stands inside, see `open_executor`.
    with open_executor(workers) as executor:
        if executor is None:
            return 0
        if bool(models) == (watch is not None) or (once and watch is None):
            raise UserError("models or --watch RUNS_DIR are needed, and --once with --watch only")
        options = EvaluationOptions(
            precision=precision, tokens=tokens or usual_tokens(), retrieval_layer=layer
        )
        choice = Choice(tasks, languages, limit, split, is_lenient=watch is not None)
        opened = chosen_source(data, source)
        choice.check(opened)
        evaluate = partial(_evaluate, choice, opened, output, options, executor)
        if watch is None:
            evaluate(models)
            return 0
        from dstilts.evaluation.watch import watch as watch_folder

        return watch_folder(watch, lambda folder: evaluate([str(folder)]), once=once)


def _evaluate(
    choice: "Choice",
    source: "Source",
    output: Path,
    options: "EvaluationOptions",
    executor: "Workers",
    models: Sequence[str],
) -> None:
    """Evaluates models in one farm."""
    from dstilts.evaluation.evaluate import evaluate
    from dstilts.evaluation.models import ModelShelf

    shelf, requests = ModelShelf(), []
    for location in models:
        model = shelf.model(location)
        found, left_out = choice.requests(model, source)
        requests += found
        for reason, tasks in left_out.items():
            log(f"{model.name}: left out: {', '.join(tasks)} ({reason})")
    if requests:
        records = evaluate(requests, source, output, options, executor, shelf)
        print(*records, sep="\n", flush=True)
        _show(records, output, choice)
    elif not choice.is_lenient:
        raise UserError(f"none of the tasks of {', '.join(choice.tasks)} can be evaluated")


def _show(files: Sequence[Path], output: Path, choice: "Choice") -> None:
    from rich.console import Console

    from dstilts.reporting.collect import read_record
    from dstilts.reporting.scores_table import print_scores

    groups = choice.benchmark.groups if choice.benchmark else None
    records = [read_record(file, output) for file in files]
    print_scores(records, Console(file=sys.stderr), groups)

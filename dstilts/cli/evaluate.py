"""`dstilts evaluate`: models on tasks in many languages, by one process or many."""

import argparse
from pathlib import Path
from typing import Any

from dstilts.cli.parser import add_command


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
    parser.add_argument("--tasks", type=_names, required=True, metavar="NAME,...")
    parser.add_argument(
        "--languages", type=_names, metavar="CODE,...", help="default: all of the source"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="real data sets (default: the phrasebook)"
    )
    parser.add_argument(
        "--limit", type=_count, metavar="N", help="examples a language (default: all)"
    )
    parser.add_argument(
        "--split", choices=("dev", "test"), help="default: what each task is reported on"
    )
    parser.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="processes, without mpiexec"
    )
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument(
        "--tokens", type=_count, default=4096, metavar="N", help="of a micro-batch, with padding"
    )
    parser.add_argument(
        "--layer", type=int, default=-1, metavar="N", help="of sentence vectors (default: the last)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("runs/evaluate"), metavar="RUNS_DIR", help="for records"
    )


def run(
    models: list[str],
    tasks: tuple[str, ...],
    languages: tuple[str, ...] | None,
    data: Path | None,
    limit: int | None,
    split: str | None,
    workers: int,
    precision: str,
    tokens: int,
    layer: int,
    output: Path,
) -> None:
    """Evaluates what is missing and prints the paths of the records."""
    from dstilts.evaluation.evaluate import evaluate
    from dstilts.evaluation.executors import open_executor
    from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest
    from dstilts.tasks.open_source import open_source

    # All ranks of mpiexec come here; what may fail stands inside, see `open_executor`.
    with open_executor(workers) as executor:
        if executor is None:
            return
        options = EvaluationOptions(precision=precision, tokens=tokens, retrieval_layer=layer)
        source = open_source("phrasebook" if data is None else "local", data)
        requests = [
            EvaluationRequest(model, tasks, languages=languages, limit=limit, split=split)
            for model in models
        ]
        for record in evaluate(requests, source, output, options, executor):
            print(record)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    if not names:
        raise argparse.ArgumentTypeError("names separated by commas are needed")
    return names


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)

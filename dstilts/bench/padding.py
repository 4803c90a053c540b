"""What padding costs: `python -m dstilts.bench.padding` measures batches with and without it.

Forward and backward passes of one model, as tokens (padding not counted) a second. Word embeddings
are not trained: a pass with few of them would measure the clearing of their gradients.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from dstilts.bench.examples import TASKS, make_sets, read_sets
from dstilts.bench.machine import describe_machine
from dstilts.bench.measure import synchronise
from dstilts.bench.padding_sides import GROUPED, Side, make_sides
from dstilts.core.errors import UserError
from dstilts.core.files import write_json
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import heads_of, token_rows
from dstilts.engine.phase import BatchConfig
from dstilts.engine.plan import TaskRows
from dstilts.models import packed_attention
from dstilts.models.encoder import EncoderBundle, load_encoder
from dstilts.models.multitask import MultiTaskModel
from dstilts.models.packing import enable_packing
from dstilts.models.shapes import SHAPES, write_encoder

_MAX_LENGTH = 256  # of a row in tokens


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All sides in turn, round after round; gives medians, and ratios to the padded batches.

    Raises:
        UserError: a mistake in what was asked for.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        bundle = _encoder(options, Path(folder))
        rows, model = _work(options, bundle)
    dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
    sides = list(make_sides(options, bundle, rows, model.to(device, dtype).train()))
    # Once untimed: kernels are chosen and compiled.
    peaks = {side.name: _peak(side) for side in sides}
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(options.rounds):
        log(f"round {number + 1} of {options.rounds}")
        for side in sides:
            seconds[side.name].append(_run(side))
    found = {side.name: _figures(side, seconds[side.name], peaks[side.name]) for side in sides}
    base = found[GROUPED]["tokens_per_second"]
    for figures in found.values():
        figures["ratio_to_grouped"] = round(figures["tokens_per_second"] / base, 3)
    return {
        "bench": "padding",
        "settings": {name: str(value) for name, value in vars(options).items()},
        "machine": describe_machine(options.precision),
        "sides": found,
    }


def _encoder(options: argparse.Namespace, folder: Path) -> EncoderBundle:
    if options.shape is None:
        return load_encoder(options.encoder)
    write_encoder(folder, options.shape, options.encoder, seed=1)
    return load_encoder(str(folder))


def _work(options: argparse.Namespace, bundle: EncoderBundle) -> tuple[TaskRows, MultiTaskModel]:
    if options.data:
        examples, _ = read_sets(options.task, options.data, options.examples, 1, seed=1)
    else:
        examples, _ = make_sets(options.task, options.examples, 1, seed=1)
    longest = min(_MAX_LENGTH, bundle.max_length or _MAX_LENGTH)
    config = BatchConfig(max_length=longest, max_length_span=longest)
    [rows] = token_rows([examples], bundle.tokenizer, config, ProcessGroup())
    bundle.model.get_input_embeddings().requires_grad_(False)
    enable_packing(bundle.model)
    return rows, MultiTaskModel(bundle.model, heads_of([examples]), seed=1)


def _peak(side: Side) -> float | None:
    """Runs a side once; the most GiB of GPU memory meanwhile, or None without a GPU."""
    if not torch.cuda.is_available():
        _run(side)
        return None
    torch.cuda.reset_peak_memory_stats()
    _run(side)
    return round(torch.cuda.max_memory_allocated() / 2**30, 2)


def _run(side: Side) -> float:
    """The seconds of the side's batches (host-device syncs)."""
    with contextlib.ExitStack() as stack:
        if side.kernel is not None:
            patch = mock.patch.object(packed_attention, "kernel_for", return_value=side.kernel)
            stack.enter_context(patch)
        synchronise()
        begin = time.perf_counter()
        for batch in side.batches:
            side.model.zero_grad()
            side.model(batch).backward()
        synchronise()
        return time.perf_counter() - begin


def _figures(side: Side, seconds: list[float], peak: float | None) -> dict[str, Any]:
    rates = [side.num_tokens / each for each in seconds]
    return {
        "tokens_per_second": round(statistics.median(rates), 1),
        "slowest": round(min(rates), 1),
        "fastest": round(max(rates), 1),
        "padding_share": round(1 - side.num_tokens / side.num_computed, 4),
        "num_tokens": side.num_tokens,
        "peak_gib": peak,
    }


def table_lines(result: dict[str, Any]) -> list[str]:
    """The result for people."""
    lines = [f"{'':70s} {'tokens/s':>9s} {'padding':>8s} {'ratio':>6s} {'GiB':>6s}"]
    for name, figures in result["sides"].items():
        peak = "" if figures["peak_gib"] is None else f"{figures['peak_gib']:.2f}"
        lines.append(
            f"{name:70s} {figures['tokens_per_second']:9.0f} {figures['padding_share']:8.1%} "
            f"{figures['ratio_to_grouped']:6.2f} {peak:>6s}"
        )
    return lines


def main(arguments: list[str]) -> int:
    """Measures, prints a table and writes JSON; 2 after a mistake of the user."""
    parser = argparse.ArgumentParser(prog="python -m dstilts.bench.padding")
    parser.add_argument("--encoder", default="default", help="a folder or a name")
    parser.add_argument("--shape", choices=sorted(SHAPES), help="an XLM-R with random weights")
    parser.add_argument("--data", type=Path, help="a folder of data sets (default: made-up rows)")
    parser.add_argument("--task", choices=TASKS, default="mnli")
    parser.add_argument("--examples", type=int, default=4000)
    parser.add_argument("--tokens", type=int, default=1024, help="of a micro-batch")
    parser.add_argument("--micro-batches", type=int, default=4, help="of a side in a round")
    parser.add_argument("--rounds", type=int, default=3, help="the figures are medians of them")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--checkpoint", action="store_true", help="with recomputed layers as well")
    parser.add_argument("--compile", action="store_true", help="with compiled layers as well")
    parser.add_argument("--out", type=Path, default=Path("bench-padding.json"))
    options = parser.parse_args(arguments)
    try:
        result = measure(options)
    except UserError as error:
        print(f"dstilts: {error}", file=sys.stderr)
        return 2
    write_json(options.out, result)
    print(*table_lines(result), f"\nwritten to {options.out}", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

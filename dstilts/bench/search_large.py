"""Neighbours of both directions of a million vectors a side, from mapped files: time and memory.

`python -m dstilts.bench.search_large --rows 1000000 --dims 64 --out search_large.json`
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dstilts.bench.machine import describe_machine
from dstilts.bench.search_vectors import sentence_vectors
from dstilts.core.files import write_json
from dstilts.core.logs import log
from dstilts.retrieval.mining import mined
from dstilts.retrieval.stream import BLOCK_BYTES, Vectors, stream_mutual_search
from dstilts.tasks.progress import Progress

_BLOCK_ROWS = 65_536  # made up at a time; a sentence and its translation are in the same block


def main(arguments: Sequence[str]) -> int:
    """Measures, prints the figures as JSON and writes them to a file if wanted."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="dstilts-search-", dir=options.folder) as name:
        figures = measure(Path(name), options)
    print(json.dumps(figures, indent=1))
    if options.out:
        write_json(options.out, figures)
    return 0


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one search; everything that it holds counts, torch itself too."""
    torch.set_num_threads(options.threads or torch.get_num_threads())
    machine = describe_machine("fp32")
    log(f"writing two files of {options.rows:,} vectors")
    source, target = write_sides(folder, options.rows, options.dims)
    before = _peak_bytes()
    block_bytes = options.block_mib << 20
    num_blocks = len(source.spans(block_bytes)) * len(target.spans(block_bytes))
    progress = Progress("searched blocks", num_blocks)
    begin = time.perf_counter(), time.process_time()
    found = stream_mutual_search(
        source,
        target,
        options.k,
        block_bytes=block_bytes,
        say=lambda done, total: progress.reached(done),
    )
    wall, processor = time.perf_counter() - begin[0], time.process_time() - begin[1]
    searched = _peak_bytes()
    begin_pairs = time.perf_counter()
    pairs = mined(*found)
    return {
        "bench": "search_large",
        "rows": options.rows,
        "dims": options.dims,
        "k": options.k,
        "threads": torch.get_num_threads(),
        "blocks": num_blocks,
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(processor, 2),
        "pairs": len(pairs.scores_P),
        "seconds_of_pairs": round(time.perf_counter() - begin_pairs, 2),
        "peak_mib_before": round(before / 2**20),
        "peak_mib_searched": round(searched / 2**20),
        "peak_mib": round(_peak_bytes() / 2**20),
        "machine": machine,
    }


def write_sides(folder: Path, rows: int, dims: int) -> tuple[Vectors, Vectors]:
    """Both sides as mapped .npy files in fp32, made up block by block."""
    files = [folder / "source.npy", folder / "target.npy"]
    matrices = [np.lib.format.open_memmap(f, "w+", np.float32, (rows, dims)) for f in files]
    for first in range(0, rows, _BLOCK_ROWS):
        last = min(rows, first + _BLOCK_ROWS)
        sides = sentence_vectors(last - first, dims, seed=first)
        for matrix, side in zip(matrices, sides, strict=True):
            matrix[first:last] = side.numpy()
    for matrix in matrices:
        matrix.flush()
    del matrices
    return Vectors(np.load(files[0], mmap_mode="r")), Vectors(np.load(files[1], mmap_mode="r"))


def _peak_bytes() -> int:
    """The most that has been resident since the process began, mapped pages included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dstilts.bench.search_large")
    parser.add_argument("--rows", type=_count, default=1_000_000, help="of each side")
    parser.add_argument("--dims", type=_count, default=64)
    parser.add_argument("--k", type=_count, default=4)
    parser.add_argument("--threads", type=_count, help="default: torch's")
    parser.add_argument("--block-mib", type=_count, default=BLOCK_BYTES >> 20)
    parser.add_argument("--folder", type=Path, help="in which a temporary folder is made")
    parser.add_argument("--out", type=Path, help="for the figures, as JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

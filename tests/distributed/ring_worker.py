"""One rank of a search around the ring.

`python -m tests.distributed.ring_worker K X.npy Y.npy OUT`: the rank takes its part of both sides
(parts of different lengths, one of them empty where there are more than two) and writes
OUT/<rank>.npz, or the error's message in OUT/<rank>.txt.
"""

import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from dstilts.core.process_group import ProcessGroup, launched_ranks
from dstilts.retrieval.ring import ring_mutual_search


def part(side: np.ndarray, group: ProcessGroup, empty: int) -> torch.Tensor:
    """This rank's rows: all ranks but one have some where there are more than two."""
    weights = [0 if group.world_size > 2 and n == empty else n + 1 for n in range(group.world_size)]
    edges = np.round(np.cumsum([0, *weights]) / sum(weights) * len(side)).astype(int)
    return torch.from_numpy(side[edges[group.rank] : edges[group.rank + 1]])


def main(k: str, queries: str, corpus: str, out: str) -> None:
    group = launched_ranks()
    if group.world_size > 1:
        dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    try:
        search(group, int(k), queries, corpus, out)
    finally:
        # Gloo's threads must end before the interpreter does, or the process may abort on its way.
        if dist.is_initialized():
            dist.destroy_process_group()


def search(group: ProcessGroup, k: int, queries: str, corpus: str, out: str) -> None:
    """This rank's part, and its result or error in a file."""
    x, y = part(np.load(queries), group, empty=2), part(np.load(corpus), group, empty=1)
    try:
        forward, backward = ring_mutual_search(x, y, k, group)
    except ValueError as error:
        Path(out, f"{group.rank}.txt").write_text(str(error))
        return
    np.savez(
        Path(out, f"{group.rank}.npz"),
        forward_scores=forward.scores,
        forward_indices=forward.indices,
        backward_scores=backward.scores,
        backward_indices=backward.indices,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Search of both directions over ranks: queries stay, the corpus goes round with its lists.

Each rank holds a shard of either side. In each of P steps it searches the corpus shard that is with
it, which completes a part of its queries' lists and a part of the shard's own. The vectors go on to
the next rank while that is computed, the shard's lists after it; when they are home again, both
directions are complete. Nothing is reduced over all ranks, and no score is computed twice.

Shapes: Q queries, N corpus vectors, D dimensions, K neighbours; of this rank's shard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor

from dstilts.core.process_group import ProcessGroup
from dstilts.retrieval.exchange import bytes_of
from dstilts.retrieval.lists import empty, merged, moved
from dstilts.retrieval.search import EXACT, SearchOptions, TopK, first_unusable, mutual_search

T = TypeVar("T")


def ring_mutual_search(
    queries_QD: Tensor,
    corpus_ND: Tensor,
    k: int,
    group: ProcessGroup,
    options: SearchOptions = EXACT,
) -> tuple[TopK, TopK]:
    """`mutual_search` of all shards: the lists of this rank's queries and of its corpus vectors.

    Indices count through the shards of all ranks, in rank order. The lists are the same for any
    number of ranks (a collective; torch.distributed must be set up, with a back end that serves the
    tensors' device).

    Args:
        queries_QD, corpus_ND: this rank's shards; shards may differ in length and be empty.

    Raises:
        ValueError: as `mutual_search`, on every rank.
    """
    if group.world_size == 1:
        return mutual_search(queries_QD, corpus_ND, k, options)
    ring = _Ring.of(queries_QD, corpus_ND, k, group)
    device = corpus_ND.device
    rows = empty(len(queries_QD), device)
    shard_ND, owner = corpus_ND.contiguous(), group.rank
    lists: _Transfer[TopK] | None = None
    for step in range(group.world_size):
        vectors = ring.pass_vectors(step, shard_ND) if step < group.world_size - 1 else None
        forward, backward = mutual_search(queries_QD, shard_ND, k, options)
        rows = merged(rows, moved(forward, ring.first_corpus(owner)), k)
        arrived = lists.wait() if lists else empty(len(shard_ND), device)
        columns = merged(arrived, moved(backward, ring.first_query(group.rank)), k)
        lists = ring.pass_lists(step, columns)
        if vectors is not None:
            shard_ND = vectors.wait()
        owner = (owner - 1) % group.world_size
    assert lists is not None
    return rows, lists.wait()


class _Transfer(Generic[T]):
    """Tensors on their way to the next rank, and what comes from the one before.

    Keeps what is sent until it has been, because its memory must not be used again before.
    """

    def __init__(
        self,
        tag: int,
        sent: Sequence[Tensor],
        received: Sequence[Tensor],
        value: T,
        group: ProcessGroup,
    ) -> None:
        import torch.distributed as dist

        following = (group.rank + 1) % group.world_size
        previous = (group.rank - 1) % group.world_size
        # Of 0 bytes nothing is sent; both ranks know the sizes.
        ops = [
            dist.P2POp(call, bytes_of(tensor), peer, tag=tag + number)
            for call, peer, tensors in (
                (dist.isend, following, sent),
                (dist.irecv, previous, received),
            )
            for number, tensor in enumerate(tensors)
            if tensor.numel()
        ]
        self._sent = sent
        self._value = value
        self._works: Sequence[Any] = dist.batch_isend_irecv(ops) if ops else ()

    def wait(self) -> T:
        """What has arrived."""
        for work in self._works:
            work.wait()
        self._sent = ()
        return self._value


@dataclass(frozen=True)
class _Ring:
    """Who is where: the shards of all ranks."""

    group: ProcessGroup
    num_queries: tuple[int, ...]
    num_corpus: tuple[int, ...]
    k: int

    @classmethod
    def of(cls, queries_QD: Tensor, corpus_ND: Tensor, k: int, group: ProcessGroup) -> "_Ring":
        """Compares the shards of all ranks (a collective).

        Raises:
            ValueError: they do not fit together, or a row cannot be searched.
        """
        sides = (queries_QD, corpus_ND)
        found = group.gather([(tuple(s.shape), str(s.dtype), first_unusable(s)) for s in sides])
        kinds = {(shape[1:], dtype) for rank in found for shape, dtype, _ in rank}
        if len(kinds) > 1:
            raise ValueError(f"shards of different widths or types: {sorted(map(str, kinds))}")
        for side, name in enumerate(("queries", "corpus")):
            first = 0
            for rank in found:
                shape, _, unusable = rank[side]
                if unusable is not None:
                    raise ValueError(f"row {first + unusable[0]} of the {name} {unusable[1]}")
                first += shape[0]
        queries, corpus = (tuple(rank[side][0][0] for rank in found) for side in (0, 1))
        return cls(group, queries, corpus, k)

    def first_query(self, rank: int) -> int:
        """The number of a rank's first query."""
        return sum(self.num_queries[:rank])

    def first_corpus(self, rank: int) -> int:
        """The number of a rank's first corpus vector."""
        return sum(self.num_corpus[:rank])

    def pass_vectors(self, step: int, shard_ND: Tensor) -> _Transfer[Tensor]:
        """Sends the shard of a step on, and receives that of the next step."""
        coming = self._owner(step + 1)
        incoming = shard_ND.new_empty(self.num_corpus[coming], shard_ND.shape[1])
        return _Transfer(3 * step, [shard_ND], [incoming], incoming, self.group)

    def pass_lists(self, step: int, lists: TopK) -> _Transfer[TopK]:
        """Sends the lists of a step's shard on, and receives those of the next step's."""
        coming, size = self._owner(step + 1), self.group.world_size
        # They have met the queries of their own rank and of all between that one and this.
        met = sum(self.num_queries[(coming + number) % size] for number in range(step + 1))
        shape = (self.num_corpus[coming], min(self.k, met))
        incoming = TopK(lists.scores.new_empty(shape), lists.indices.new_empty(shape))
        outgoing = [part.contiguous() for part in lists]
        return _Transfer(3 * step + 1, outgoing, list(incoming), incoming, self.group)

    def _owner(self, step: int) -> int:
        return (self.group.rank - step) % self.group.world_size

"""The ranks of a mining job: rank 0 leads, and the others encode and search as it says.

Rank 0 alone reads and writes files. It hands out each round of sentences and each block of vectors,
a part to every rank, and gathers what they find; so a job on one rank is the same job.

Shapes: N vectors, D dimensions, K neighbours.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.retrieval.embed import SentenceEncoder, Vectors
from dstilts.retrieval.exchange import Exchange
from dstilts.retrieval.ring import ring_mutual_search
from dstilts.retrieval.search import SearchOptions, TopK


@dataclass(frozen=True)
class _Load:
    encoder: tuple[Any, ...]  # the arguments of SentenceEncoder


@dataclass(frozen=True)
class _Encode:
    sizes: tuple[int, ...]  # sentences of each rank


@dataclass(frozen=True)
class _Search:
    num_source: int
    num_target: int
    num_dims: int
    dtype: torch.dtype
    k: int
    options: SearchOptions
    has_source: bool  # else the one before is searched with again


@dataclass(frozen=True)
class _End:
    code: int


_Order = _Load | _Encode | _Search | _End


class Crew:
    """All ranks of a job, one of them here; of a single process without any communication."""

    def __init__(self, group: ProcessGroup) -> None:
        self._exchange = Exchange(group)
        self._encoder: SentenceEncoder | None = None
        self._given: Tensor | None = None  # the source block as rank 0 was given it
        self._source: Tensor | None = None  # and this rank's part of it

    @property
    def size(self) -> int:
        """The number of ranks."""
        return self._exchange.size

    @property
    def leads(self) -> bool:
        """Whether this is rank 0."""
        return self._exchange.leads

    @contextlib.contextmanager
    def leading(self) -> Iterator[None]:
        """What rank 0 does; at the end, or a mistake of the user, the others leave `follow`."""
        try:
            yield
        except UserError:
            self._tell(_End(2))
            raise
        # After any other error the others may be anywhere: this process ends, and so do they.
        self._tell(_End(0))

    def follow(self) -> int:
        """Does what rank 0 says until it ends; returns the exit code.

        Raises:
            RunError: the connection to another rank is lost.
        """
        while True:
            match self._tell(None):
                case _End(code):
                    return code
                case _Load() as order:
                    # Rank 0 has the same error, and tells of it.
                    with contextlib.suppress(UserError):
                        self._load(order)
                case _Encode() as order:
                    self._encode(order, None)
                case _Search() as order:
                    self._search(order, None, None)

    def load(self, name: str, layer: int | None, pooling: str) -> SentenceEncoder:
        """The encoder, on every rank.

        Raises:
            UserError: as `SentenceEncoder`, on any rank, or the ranks' encoders differ.
        """
        order = _Load((name, layer, pooling))
        # Alone at first: what has to be fetched or converted is then there for the others.
        self._encoder = SentenceEncoder(*order.encoder)
        self._tell(order)
        return self._load(order)

    def encode(self, shards: Sequence[Sequence[str]]) -> list[list[Vectors]]:
        """The vectors of up to `size` shards of sentences: of each, those of all layers."""
        all_shards = [*shards, *([()] * (self.size - len(shards)))]
        order = _Encode(tuple(map(len, all_shards)))
        self._tell(order)
        return self._encode(order, all_shards)[: len(shards)]

    def search(
        self, source_ND: Tensor, target_ND: Tensor, k: int, options: SearchOptions
    ) -> tuple[TopK, TopK]:
        """`mutual_search` of two blocks, a part of each on every rank; lists on the host.

        The source block is handed out once, if the next calls are with the same tensor.
        """
        is_new = source_ND is not self._given
        order = _Search(
            num_source=len(source_ND),
            num_target=len(target_ND),
            num_dims=source_ND.shape[1],
            dtype=target_ND.dtype,
            k=k,
            options=options,
            has_source=is_new,
        )
        self._given = source_ND
        self._tell(order)
        return self._search(order, source_ND, target_ND)

    def _tell(self, order: _Order | None) -> _Order | None:
        return self._exchange.tell(order)

    def _load(self, order: _Load) -> SentenceEncoder:
        problem, loaded = None, self._encoder
        if not self.leads:
            try:
                loaded = SentenceEncoder(*order.encoder)
            except UserError as mistake:
                problem = str(mistake)
        with self._exchange.unbroken():
            key = None if loaded is None else loaded.key
            found = self._exchange.group.gather((problem, key))  # a collective
        for rank, (problem, key) in enumerate(found):
            if problem is not None:
                raise UserError(f"rank {rank}: {problem}")
            if key != found[0][1]:
                problem = f"rank {rank} has another encoder than rank 0"
                raise UserError(problem, remedy="give all hosts the same files")
        assert loaded is not None
        self._encoder = loaded
        return loaded

    def _encode(
        self, order: _Encode, shards: Sequence[Sequence[str]] | None
    ) -> list[list[Vectors]]:
        """The vectors of all ranks' shards on rank 0; of its own alone on another."""
        encoder = self._encoder
        assert encoder is not None
        texts = self._exchange.own_of(shards)
        none = np.empty((0, encoder.size), np.float32)
        own = encoder.encode(texts) if texts else [none] * len(encoder.layers)
        layers = [self._exchange.gathered(torch.from_numpy(part), order.sizes) for part in own]
        return [[part.numpy() for part in shard] for shard in zip(*layers, strict=True)]

    def _search(
        self, order: _Search, source_ND: Tensor | None, target_ND: Tensor | None
    ) -> tuple[TopK, TopK]:
        """The lists of both blocks on rank 0; of its own parts on another."""
        exchange, device = self._exchange, _device(order.options)
        kind = (order.num_dims, order.dtype)
        if order.has_source:
            self._source = exchange.own_rows(source_ND, order.num_source, *kind).to(device)
        target_ND = exchange.own_rows(target_ND, order.num_target, *kind).to(device)
        assert self._source is not None
        with exchange.unbroken():
            forward, backward = ring_mutual_search(
                self._source, target_ND, order.k, exchange.group, order.options
            )
        return self._whole(forward, order.num_source), self._whole(backward, order.num_target)

    def _whole(self, found: TopK, number: int) -> TopK:
        """On rank 0 the ranks' lists one below the other (a collective)."""
        sizes = self._exchange.shares(number)
        # A host-device sync.
        parts = [self._exchange.gathered(part.cpu().contiguous(), sizes) for part in found]
        return TopK(*map(torch.cat, parts)) if self.leads else found


def _device(options: SearchOptions) -> torch.device:
    """Where blocks are searched: this process's GPU, if its back end is for it."""
    on_gpu = options.backend in (None, "triton", "torch") and torch.cuda.is_available()
    return torch.device("cuda" if on_gpu else "cpu")

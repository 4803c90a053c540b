"""Plain torch as a peer: the loop that anyone would write."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, RandomSampler

from dstilts.bench.batches import Collator, rows_of
from dstilts.bench.job import RankResult
from dstilts.bench.measure import MemoryWatch, Stopwatch
from dstilts.bench.peer import CLIP_NORM, WEIGHT_DECAY, Peer
from dstilts.core.process_group import ProcessGroup


def train_with_torch(peer: Peer) -> RankResult:
    """A loop that anyone would write: AdamW, linear schedule, padding to the longest row."""
    job = peer.job
    device = _device(peer.group)
    with _processes(peer.group):
        peer.model.to(device).train()
        model: nn.Module = peer.model
        if job.ranks > 1:
            model = nn.parallel.DistributedDataParallel(
                model, device_ids=[device.index] if device.type == "cuda" else None
            )
        collator, clock = peer.collator(), Stopwatch(job.num_steps, job.log_every)
        with MemoryWatch() as watch:
            curve = _torch_loop(peer, model, device, collator, clock)
        return peer.result(collator, watch, clock, curve)


def _torch_loop(
    peer: Peer, model: nn.Module, device: torch.device, collator: Collator, clock: Stopwatch
) -> list[list[float]]:
    job = peer.job
    optimizer = torch.optim.AdamW(_decay_groups(model), lr=job.learning_rate, fused=True)
    warmup = math.ceil(job.warmup_share * job.num_steps)
    rest = max(1, job.num_steps - warmup)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: step / warmup if step < warmup else (job.num_steps - step) / rest
    )
    losses = torch.zeros((), device=device)
    curve: list[list[float]] = []
    torch.manual_seed(job.seed)
    clock.start()
    for step, batch in enumerate(_batches(peer, collator), start=1):
        moved = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=job.precision == "bf16"):
            loss = model(**moved)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses += loss.detach()
        if step % job.log_every == 0 or step == job.num_steps:
            since = curve[-1][0] if curve else 0
            curve.append([step, _mean(losses, job.ranks) / (step - since)])
            losses.zero_()
        clock.stepped(step)
    return curve


def _batches(peer: Peer, collator: Collator) -> Iterator[dict[str, torch.Tensor]]:
    """Batches in random order, epoch after epoch, as many as there are steps."""
    job = peer.job
    rows: Any = rows_of(peer.task)
    generator = torch.Generator().manual_seed(job.seed)
    sampler: Any = RandomSampler(rows, generator=generator)
    if job.ranks > 1:
        sampler = DistributedSampler(rows, job.ranks, peer.group.rank, seed=job.seed)
    loader: DataLoader[Any] = DataLoader(
        rows,
        batch_size=job.batch_size // job.ranks,
        sampler=sampler,
        collate_fn=collator,
        drop_last=True,
    )
    left = job.num_steps
    while left > 0:
        for batch in loader:
            yield batch
            left -= 1
            if left == 0:
                return


def _decay_groups(model: nn.Module) -> list[dict[str, Any]]:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    return [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _mean(losses: torch.Tensor, ranks: int) -> float:
    total = losses.clone()
    if ranks > 1:
        dist.all_reduce(total)  # a collective
    return float(total) / ranks  # a host-device sync


def _device(group: ProcessGroup) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.cuda.set_device(group.local_rank)
    return torch.device("cuda", group.local_rank)


@contextlib.contextmanager
def _processes(group: ProcessGroup) -> Iterator[None]:
    """Connects the ranks that torchrun started (collectives)."""
    if group.world_size == 1:
        yield
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.barrier()
        dist.destroy_process_group()

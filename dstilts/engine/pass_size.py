"""How many micro-batches a phase computes in one pass: stated, saved with the run, or searched."""

import torch

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.batches import BatchMaker
from dstilts.engine.deepspeed_config import check_division
from dstilts.engine.fuse import MARGIN, FuseMemory
from dstilts.engine.memory_advice import free_for_rank
from dstilts.engine.memory_estimate import ModelSize, state_bytes
from dstilts.engine.pass_trial import pass_trial
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import TrainingPlan
from dstilts.models.multitask import MultiTaskModel


def pass_size(
    config: PhaseConfig,
    saved: int | None,
    model: MultiTaskModel,
    plan: TrainingPlan,
    batches: BatchMaker,
    memory: FuseMemory,
    group: ProcessGroup,
    device: torch.device,
) -> int:
    """Micro-batches in one pass (a collective).

    Args:
        saved: the size with which the run was begun: other sizes draw other dropout.
        model: whole and on the host.

    Raises:
        UserError: passes would change what is computed, or cannot be shared by the ranks.
    """
    stated = config.engine.fuse
    if any(rows.kind == "retrieval" for rows in plan.tasks):
        # There the other rows of a micro-batch are what a candidate competes with.
        if stated > 1:
            raise UserError(
                f"engine.fuse = {stated} would change the loss of a ranking task",
                remedy="use engine.fuse = 1 and larger batch.tokens",
            )
        return 1
    if saved is not None and stated in (0, saved) and _divides(config, group, saved):
        return saved
    if stated:
        check_division(config.batch, group.world_size, stated)
        return stated
    known = memory.known()
    if known is not None:
        return known
    free = free_for_rank(group, device)
    if free is None:
        return 1  # nothing tells how much would fit
    size = ModelSize.of(model, model.encoder.config, on_cuda=device.type == "cuda")
    kept = state_bytes(size, config.engine, group.world_size)
    taken = kept.device + (0 if device.type == "cuda" else kept.host)
    with pass_trial(model, plan, batches, config, device) as try_pass:
        return memory.find(try_pass, (1 - MARGIN) * free.device - taken)


def _divides(config: PhaseConfig, group: ProcessGroup, fuse: int) -> bool:
    try:
        check_division(config.batch, group.world_size, fuse)
    except UserError:
        return False
    return True

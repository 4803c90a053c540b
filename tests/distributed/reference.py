"""The same phases in plain torch: one process, one loss a step, no DeepSpeed."""

from pathlib import Path

import torch
from torch.nn import functional as F

from dstilts.core.process_group import ProcessGroup
from dstilts.core.random_numbers import torch_seed
from dstilts.engine.data import heads_of, token_rows
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import TrainingPlan
from dstilts.models.encoder import load_encoder
from dstilts.models.multitask import MultiTaskModel
from dstilts.models.packing import enable_packing, pack
from tests.distributed.phases import made_up


def train_plainly(config: PhaseConfig) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The losses of all steps and the final weights by name, in fp32."""
    bundle = load_encoder(config.parent)
    enable_packing(bundle.model)  # as the engine does: else dropout would drop other values
    sets = [made_up(use.task) for use in config.tasks]
    plan = TrainingPlan(config, token_rows(sets, bundle.tokenizer, config.batch, ProcessGroup()))
    model = MultiTaskModel(bundle.model, heads_of(sets), config.seed).train()
    optimizer = torch.optim.AdamW(_groups(model, config), fused=False)
    losses = []
    for step in range(plan.num_steps):
        loss = _step_loss(config, model, plan.at(step), step, bundle.tokenizer.pad_token_id)
        losses.append(loss.item())
        # Heads that the step does not use take part with zero gradients, as with DeepSpeed.
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.schedule.clip_norm)
        _set_rates(optimizer, config, step, plan.num_steps)
        optimizer.step()
    return losses, {name: p.detach() for name, p in model.named_parameters()}


def published_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a published folder under the names of the model."""
    from safetensors.torch import load_file

    encoder = load_file(folder / "model.safetensors")
    heads = load_file(folder / "heads.safetensors")
    return {
        **{f"encoder.{name}": weight for name, weight in encoder.items()},
        **{f"bank.heads.{name}": weight for name, weight in heads.items()},
    }


def _loss_sum(model: MultiTaskModel, batch: dict, name: str) -> torch.Tensor:
    """Written apart from the heads' own losses."""
    head = model.bank.heads[name]
    if "masked" in batch:
        hidden = model.encode(batch).flatten(0, 1)[batch["masked"]]
        table = model.encoder.get_input_embeddings()
        words = F.embedding(torch.arange(len(table.weight)), table.weight, table.padding_idx)
        logits = head.norm(F.gelu(head.dense(hidden))) @ words.T + head.bias
        return F.cross_entropy(logits, batch["targets"], reduction="sum")
    if "candidate" in batch:
        first = model.encode(batch)[:, 0]
        scores = first[0::2] @ first[1::2].T
        return -scores.log_softmax(1).diagonal().sum()
    logits = head(model.encode(batch), batch)
    if "labels" in batch:
        return F.cross_entropy(logits.transpose(1, 2), batch["labels"], reduction="sum")
    if "start" in batch:
        logits = logits + (1 - batch["attention_mask"])[..., None] * -1e9
        start = F.cross_entropy(logits[..., 0], batch["start"], reduction="sum")
        return (start + F.cross_entropy(logits[..., 1], batch["end"], reduction="sum")) / 2
    return F.cross_entropy(logits, batch["label"], reduction="sum")


def _step_loss(config: PhaseConfig, model, work, step: int, pad_id: int) -> torch.Tensor:
    """The mean over the drawn tasks of each one's mean loss, times its scale."""
    sums = [torch.zeros(()) for _ in work.tasks]
    counts = [0] * len(work.tasks)
    drawn = [0] * len(work.tasks)
    draws = config.batch.tasks_per_step
    for number, part in enumerate(work.micro_batches):
        rows = work.tasks[part.task]
        torch.manual_seed(torch_seed(config.seed, "dropout", step, number))
        batch = rows.batch([(part.rows, (config.seed, step, number))], pad_id)
        batch = {**pack(batch, model.encoder.config), "head": rows.head}
        sums[part.task] = sums[part.task] + _loss_sum(model, batch, rows.head)
        counts[part.task] += _count(rows, part.rows)
        drawn[part.task] += draws
    return sum(
        use.loss_scale * total / count * times / draws / len(work.micro_batches)
        for use, total, count, times in zip(config.tasks, sums, counts, drawn, strict=True)
        if count
    )


def _count(rows, chosen) -> int:
    part = rows.table[rows.rows[chosen].tolist()]
    if rows.kind == "mlm":
        return sum(part["num_masked"])
    if rows.kind == "tagging":
        return sum(label != -100 for row in part["labels"] for label in row)
    return len(chosen)


def _groups(model: MultiTaskModel, config: PhaseConfig) -> list[dict]:
    def decays(name: str, parameter: torch.Tensor) -> bool:
        return not (name.endswith("bias") or "norm" in name.lower())

    named = list(model.named_parameters())
    return [
        {
            "params": [p for n, p in named if decays(n, p) == flag],
            "weight_decay": config.schedule.weight_decay if flag else 0.0,
            "eps": config.schedule.adam_epsilon,
        }
        for flag in (True, False)
    ]


def _set_rates(optimizer, config: PhaseConfig, step: int, num_steps: int) -> None:
    from transformers import get_linear_schedule_with_warmup

    warmup = round(config.schedule.warmup_share * num_steps)
    probe = torch.optim.SGD([torch.zeros(1)], lr=config.schedule.learning_rate)
    schedule = get_linear_schedule_with_warmup(probe, warmup, num_steps)
    factor = schedule.lr_lambdas[0](step)
    for group in optimizer.param_groups:
        group["lr"] = config.schedule.learning_rate * factor

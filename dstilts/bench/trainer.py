"""Hugging Face's Trainer as a peer: padding to the full length, to the longest row, or grouped."""

import math
from typing import Any

import torch

from dstilts.bench.batches import rows_of
from dstilts.bench.job import Job, RankResult
from dstilts.bench.measure import MemoryWatch, Stopwatch
from dstilts.bench.peer import CLIP_NORM, WEIGHT_DECAY, Peer


def train_with_trainer(peer: Peer) -> RankResult:
    """Hugging Face's Trainer, without evaluating, saving or reporting (collectives)."""
    from transformers import Trainer

    collator = peer.collator()
    clock = Stopwatch(peer.job.num_steps, peer.job.log_every)
    trainer = Trainer(
        model=peer.model,
        args=_trainer_arguments(peer.job),
        train_dataset=rows_of(peer.task),
        data_collator=collator,
        callbacks=[_clock_callback(clock)],
    )
    with MemoryWatch() as watch:
        trainer.train()
    logs = trainer.state.log_history
    curve = [[float(e["step"]), float(e["loss"])] for e in logs if "loss" in e]
    return peer.result(collator, watch, clock, curve)


def _trainer_arguments(job: Job) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(job.output / "trainer"),
        per_device_train_batch_size=job.batch_size // job.ranks,
        max_steps=job.num_steps,
        learning_rate=job.learning_rate,
        warmup_steps=math.ceil(job.warmup_share * job.num_steps),
        lr_scheduler_type="linear",
        weight_decay=WEIGHT_DECAY,
        max_grad_norm=CLIP_NORM,
        optim="adamw_torch_fused",
        bf16=job.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        seed=job.seed,
        train_sampling_strategy=("group_by_length" if job.side == "trainer-grouped" else "random"),
        # Given to one process alone, it is taken for a group that is not there.
        ddp_backend=None if job.ranks == 1 else _backend(),
        ddp_find_unused_parameters=False,
        remove_unused_columns=False,
        eval_strategy="no",
        save_strategy="no",
        logging_steps=job.log_every,
        report_to="none",
        disable_tqdm=True,
    )


def _backend() -> str:
    return "nccl" if torch.cuda.is_available() else "gloo"


def _clock_callback(clock: Stopwatch) -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            clock.start()

        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            clock.stepped(state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            """The Trainer's own printing is left out; the values stay in its history."""

    return Clock()

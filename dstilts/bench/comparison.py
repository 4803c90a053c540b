"""What a comparison compares, and on how much work; and the runs that make it."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from dstilts.bench.examples import TASKS
from dstilts.bench.job import BenchPrecision, Job, Side
from dstilts.core.errors import UserError
from dstilts.core.registry import lookup

SIDES: tuple[Side, ...] = get_args(Side)
MAX_LENGTHS = {"mnli": 128, "qqp": 128, "squad_v1": 384}  # of the example scripts
# Times the examples that are trained on, where there are so many. The Trainer groups by length
# within 50 batches if it has the rows of 200 at hand, and otherwise within fewer, which is worse.
AT_HAND = 4


@dataclass(frozen=True)
class Comparison:
    """What is compared, and on how much work."""

    tasks: tuple[str, ...] = ("mnli", "qqp")
    sides: tuple[Side, ...] = SIDES
    encoder: str = "default"
    shape: str | None = None  # of an encoder with random weights, in place of the encoder's own
    data: Path | None = None  # a folder of data sets; without it the phrasebook
    made_up: bool = False  # random words with the lengths of the tasks
    num_examples: int = 1600  # that are trained on: the 50 batches of one group of the Trainer
    num_held_out: int = 256
    batch_size: int = 32  # examples of a step, over all ranks; the example scripts'
    rounds: int = 1
    ranks: tuple[int, ...] = (1,)  # each side is run on each number of ranks
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))  # of all ranks
    precision: BenchPrecision = "fp32"
    learning_rate: float = 5e-5
    warmup_share: float = 0.1
    seed: int = 1
    timeout_minutes: float = 60.0  # of one run of one side
    overrides: tuple[str, ...] = ()  # key=value of the phase of dstilts

    def __post_init__(self) -> None:
        for name in self.tasks:
            lookup("task of the comparison", name, dict.fromkeys(TASKS))
        for side in self.sides:
            lookup("side", side, dict.fromkeys(SIDES))
        if self.num_examples % self.batch_size:
            raise UserError(
                f"--examples {self.num_examples} is no multiple of --batch-size {self.batch_size}"
            )
        if self.num_steps < 2:
            raise UserError("two steps are the least", remedy="raise --examples")
        for ranks in self.ranks:
            if self.batch_size % ranks or self.threads < ranks:
                raise UserError(
                    f"{ranks} ranks cannot share a batch of {self.batch_size} and "
                    f"{self.threads} threads evenly"
                )

    @property
    def num_steps(self) -> int:
        """Optimizer steps of a run."""
        return self.num_examples // self.batch_size

    @property
    def log_every(self) -> int:
        """Steps between two points of the loss curve; the first ones up to there are not timed."""
        return max(1, self.num_steps // 8)

    def starting_encoder(self, folder: Path) -> str:
        """What all sides start from; one of a stated shape is written into `folder`.

        Raises:
            UserError: an unknown shape.
        """
        if self.shape is None:
            return self.encoder
        from dstilts.models.shapes import write_encoder

        write_encoder(folder / "encoder", self.shape, self.encoder, self.seed)
        return str(folder / "encoder")

    def jobs(
        self, encoder: str, tokens: Mapping[str, Mapping[int, int]], folder: Path
    ) -> Iterator[Job]:
        """All runs in order: noise of the machine, which comes and goes, hits all sides alike.

        Args:
            encoder: what all sides start from.
            tokens: by task and number of ranks the token budget of a micro-batch of dstilts.
            folder: where the examples are, and where each run gets a folder.
        """
        for number in range(self.rounds):
            for name in self.tasks:
                for ranks in self.ranks:
                    for side in self.sides:
                        output = folder / f"{name}-{side}-{ranks}-{number}"
                        job = self.job(name, encoder, folder)
                        budget = tokens[name][ranks]
                        yield dataclasses.replace(
                            job, side=side, ranks=ranks, output=output, tokens=budget
                        )

    def job(self, name: str, encoder: str, folder: Path) -> Job:
        """What all runs of a task have in common, as one of dstilts whose budget is not set."""
        return Job(
            side="dstilts",
            task=name,
            encoder=encoder,
            examples=folder / f"{name}-training.json",
            held_out=folder / f"{name}-held-out.json",
            output=folder,
            num_steps=self.num_steps,
            batch_size=self.batch_size,
            ranks=1,
            precision=self.precision,
            learning_rate=self.learning_rate,
            warmup_share=self.warmup_share,
            max_length=MAX_LENGTHS[name],
            tokens=MAX_LENGTHS[name],
            log_every=self.log_every,
            seed=self.seed,
            overrides=self.overrides,
        )

"""What all peers have in common: model, data, hyper-parameters, and how they are measured."""

import dataclasses
from dataclasses import dataclass

from dstilts.bench.batches import Collator, Counts
from dstilts.bench.job import Job, RankResult
from dstilts.bench.measure import MemoryWatch, Stopwatch
from dstilts.bench.plain import PlainModel
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.flops import ModelFlops
from dstilts.engine.plan import TaskRows

WEIGHT_DECAY = 0.01  # not on biases and normalisation
CLIP_NORM = 1.0


@dataclass
class Peer:
    """What a peer trains with.

    Attributes:
        model: on the CPU; the peer moves it.
    """

    job: Job
    group: ProcessGroup
    model: PlainModel
    task: TaskRows
    pad_id: int
    flops: ModelFlops

    def collator(self) -> Collator:
        """Makes this side's batches."""
        full = self.job.max_length if self.job.side == "trainer-full" else None
        return Collator(self.task, self.pad_id, full)

    def result(
        self, collator: Collator, watch: MemoryWatch, clock: Stopwatch, curve: list[list[float]]
    ) -> RankResult:
        """What was measured, without the held-out loss."""
        timed = slice(self.job.log_every, self.job.num_steps)
        return RankResult(
            **dataclasses.asdict(Counts.of_batches(collator, timed, self.flops)),
            seconds=clock.seconds,
            peak_memory=watch.peak(clock.begun, clock.ended),
            begun=clock.begun,
            curve=curve,
            held_out_loss=None,
        )

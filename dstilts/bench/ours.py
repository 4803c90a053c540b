"""dstilts as a side: the real engine from phase file to published model, read from its events."""

import dataclasses
import math

from dstilts.bench.batches import Counts
from dstilts.bench.job import Job, RankResult
from dstilts.bench.measure import MemoryWatch
from dstilts.core.config import load_config, write_config
from dstilts.core.errors import RunError, UserError
from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.flops import ModelFlops
from dstilts.engine.phase import BatchConfig, EngineConfig, PhaseConfig, ScheduleConfig, TaskUse
from dstilts.engine.plan import TaskRows, TrainingPlan
from dstilts.tasks.examples import ExampleSet

# The keys of a phase by which dstilts may differ from its peers, and what of them it may not.
_OWN = ("engine.", "guards.", "batch.tokens", "batch.micro_batches")
_COMMON = ("engine.precision", "engine.log_every", "engine.freeze_embeddings")


def phase_of(job: Job) -> PhaseConfig:
    """The phase that a job describes, with the overrides of the user.

    Raises:
        UserError: an override is of what all sides have in common, has an unknown key, or a value
            that its key does not take.
    """
    for override in job.overrides:
        key = override.partition("=")[0]
        if key in _COMMON or not key.startswith(_OWN):
            raise UserError(
                f"{key!r} cannot be set here: it is the same for all sides",
                remedy="there may be an option for it, see dstilts bench train --help",
            )
    phase = PhaseConfig(
        name=f"bench-{job.task}",
        role="intermediate",
        output=job.output / "model",
        parent=job.encoder,
        tasks=(TaskUse(job.task),),
        seed=job.seed,
        schedule=ScheduleConfig(
            steps=job.num_steps,
            learning_rate=job.learning_rate,
            warmup_share=job.warmup_share,
        ),
        batch=BatchConfig(
            tokens=job.tokens,
            micro_batches=job.ranks,  # one a step and rank, as of the peers
            max_length=job.max_length,
            max_length_span=job.max_length,
        ),
        engine=EngineConfig(precision=job.precision, log_every=job.log_every),
    )
    file = job.output / "phase.toml"
    write_config(file, phase)
    return load_config(PhaseConfig, file, job.overrides)


def budget(phase: PhaseConfig, rows: TaskRows, batch_size: int) -> int:
    """The smallest token budget of a micro-batch by which a step has `batch_size` rows on average.

    So as many steps as the peers take see as many rows.
    """
    num_steps = math.ceil(len(rows.rows) / batch_size)
    low, high = int(rows.lengths.max()), int(rows.lengths.sum())
    while low < high:
        middle = (low + high) // 2
        if _steps_of_epoch(phase, rows, middle) <= num_steps:
            high = middle
        else:
            low = middle + 1
    return low


@dataclasses.dataclass(frozen=True)
class Trained:
    """What the engine left behind, and what the time and memory of it were."""

    config: PhaseConfig
    seconds: float
    peak_memory: int
    begun: float
    curve: list[list[float]]

    def result(self, rows: TaskRows, flops: ModelFlops, ranks: int) -> RankResult:
        """What was measured, without the held-out loss."""
        plan, first = TrainingPlan(self.config, [rows]), self.config.engine.log_every
        timed = (plan.at(step) for step in range(first, plan.num_steps))
        return RankResult(
            **dataclasses.asdict(Counts.of_plan(timed, flops, ranks)),
            seconds=self.seconds,
            peak_memory=self.peak_memory,
            begun=self.begun,
            curve=self.curve,
            held_out_loss=None,
        )


def train_with_dstilts(job: Job, group: ProcessGroup, examples: ExampleSet) -> Trained:
    """Trains and publishes (collectives).

    Raises:
        UserError: a mistake in the overrides.
        RunError: the engine did not take all steps.
    """
    from dstilts.engine.train import train_on

    config = phase_of(job)
    with MemoryWatch() as watch:
        train_on(config, group, [examples], {})
    events = read_events(config.run_folder / "events.jsonl")
    begun = next(_number(event, "time") for event in events if event["event"] == "start")
    logged = [event for event in events if event["event"] == "train"]
    if len(logged) < 2 or logged[-1]["step"] != job.num_steps - 1:
        raise RunError("the engine did not take the steps of the comparison, or not in order")
    # The first time that the engine logs is after the steps that warm up: it has waited for them.
    first, last = _number(logged[0], "time"), _number(logged[-1], "time")
    return Trained(
        config=config,
        seconds=last - first,
        peak_memory=watch.peak(begun, last),
        begun=begun,
        curve=[[_number(event, "step") + 1, _number(event, "loss")] for event in logged],
    )


def _steps_of_epoch(phase: PhaseConfig, rows: TaskRows, tokens: int) -> int:
    schedule = dataclasses.replace(phase.schedule, steps=None, epochs=1.0)
    batch = dataclasses.replace(phase.batch, tokens=tokens)
    config = dataclasses.replace(phase, schedule=schedule, batch=batch)
    return TrainingPlan(config, [rows]).num_steps


def _number(event: dict[str, object], name: str) -> float:
    value = event[name]
    assert isinstance(value, int | float), "the engine stops at a loss that is not finite"
    return float(value)

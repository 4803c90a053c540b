"""The configuration of one training phase: a TOML file, checked key by key."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from dstilts.checkpoints.manifest import Role
from dstilts.core.config import to_table
from dstilts.core.digest import short_key
from dstilts.tasks.training_sets import LANGUAGE_SMOOTHING, TrainingSplit
from dstilts.tasks.transform.apply import TransformConfig

SourceName = Literal["local", "phrasebook", "hub"]
MixtureKind = Literal["proportional", "capped", "temperature", "uniform", "explicit"]
Precision = Literal["fp32", "bf16", "fp16"]
Offload = Literal["none", "optimizer", "parameters"]


@dataclass(frozen=True)
class TaskUse:
    """One task of a phase. Several tasks in one phase are trained on in turn, as `mixture` says."""

    task: str  # a name of the catalog
    split: TrainingSplit = "train"  # or "dev", for a source that has no training set of the task
    examples: int | None = None  # a fixed random subset of the training set; without it all
    weight: float | None = None  # the share of steps, for mixture.kind = "explicit" only
    loss_scale: float = 1.0  # of this task's loss
    languages: tuple[str, ...] = ()  # of mlm, the one task of many languages; empty: all there are
    smoothing: float = LANGUAGE_SMOOTHING  # of mlm: the exponent of the languages' sizes
    transform: TransformConfig = field(default_factory=TransformConfig)  # before `examples` counts

    def __post_init__(self) -> None:
        _require(self.examples is None or self.examples > 0, "examples must be greater than 0")
        _require(self.weight is None or self.weight > 0, "weight must be greater than 0")
        _require(self.loss_scale > 0, "loss_scale must be greater than 0")
        _require(0 <= self.smoothing <= 1, "smoothing must be from 0 to 1")
        _require(self.split == "train" or self.task != "mlm", "split is not for task = 'mlm'")
        is_plain = not self.languages and self.smoothing == LANGUAGE_SMOOTHING
        _require(is_plain or self.task == "mlm", "languages and smoothing are for task = 'mlm'")


@dataclass(frozen=True)
class DataConfig:
    """Where examples come from."""

    source: SourceName = "phrasebook"
    folder: Path | None = None  # of the data sets, for source = "local"

    def __post_init__(self) -> None:
        needs = self.source == "local"
        _require(
            (self.folder is not None) == needs,
            f"folder must {'' if needs else 'not '}be given for source = {self.source!r}",
        )


@dataclass(frozen=True)
class MixtureConfig:
    """How often each task of a phase is drawn."""

    kind: MixtureKind = "proportional"  # the paper's: by the number of training examples
    cap: int | None = None  # examples a task counts at most, for "capped" and "temperature"
    temperature: float = 2.0  # for "temperature": shares are sizes to the power 1 / temperature

    def __post_init__(self) -> None:
        _require(self.cap is not None or self.kind != "capped", "cap must be given for 'capped'")
        _require(
            self.cap is None or self.kind in ("capped", "temperature"),
            f"cap must not be given for kind = {self.kind!r}",
        )
        _require(self.cap is None or self.cap > 0, "cap must be greater than 0")
        _require(self.temperature > 0, "temperature must be greater than 0")


@dataclass(frozen=True)
class ScheduleConfig:
    """AdamW with a linear warm-up and a linear decay to zero; the defaults are the paper's."""

    epochs: float = 1.0  # over all tasks together
    steps: int | None = None  # in place of epochs
    learning_rate: float = 1e-5  # at the end of the warm-up
    head_learning_rate: float | None = None  # of the new heads; without it the same
    warmup_share: float = 0.1  # of all steps
    weight_decay: float = 0.01  # not on biases and normalisation
    clip_norm: float = 1.0  # of the whole gradient; 0 does not clip
    adam_epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _require(self.epochs > 0, "epochs must be greater than 0")
        _require(self.steps is None or self.steps > 0, "steps must be greater than 0")
        _require(self.learning_rate > 0, "learning_rate must be greater than 0")
        _require(
            self.head_learning_rate is None or self.head_learning_rate > 0,
            "head_learning_rate must be greater than 0",
        )
        _require(0 <= self.warmup_share <= 1, "warmup_share must be from 0 to 1")
        _require(self.weight_decay >= 0, "weight_decay must not be negative")
        _require(self.clip_norm >= 0, "clip_norm must not be negative")
        _require(self.adam_epsilon > 0, "adam_epsilon must be greater than 0")


@dataclass(frozen=True)
class BatchConfig:
    """The size of a step: the same for every number of ranks, which divide its micro-batches."""

    tokens: int = 1024  # of a micro-batch, padding included
    micro_batches: int = 4  # of a step, over all ranks
    tasks_per_step: int = 1  # drawn for a step, each for an equal run of its micro-batches
    max_length: int = 256  # tokens of a row, longer ones are cut
    max_length_span: int = 384  # tokens of a window of a context

    def __post_init__(self) -> None:
        names = ("tokens", "micro_batches", "tasks_per_step", "max_length", "max_length_span")
        for name in names:
            _require(getattr(self, name) > 0, f"{name} must be greater than 0")
        _require(
            self.micro_batches % self.tasks_per_step == 0,
            f"micro_batches = {self.micro_batches} must be a multiple of tasks_per_step",
        )


# What of an EngineConfig has no part in the key of the model.
INCIDENTAL: tuple[str, ...] = ("zero_stage", "offload", "activation_checkpointing", "compile")
INCIDENTAL += ("remove_padding", "log_every", "save_every", "timeout_minutes", "deepspeed")


@dataclass(frozen=True)
class EngineConfig:
    """How DeepSpeed runs the phase; none of it changes what is computed, but for rounding."""

    zero_stage: Literal[0, 1, 2, 3] = 1  # one rank in fp32 shares nothing: 1 and 2 run as 0 there
    precision: Precision = "fp32"  # the paper's; the others keep fp32 master weights
    offload: Offload = "none"  # to the host's memory; "parameters" takes the optimizer along
    activation_checkpointing: bool = False  # a third more computing for the memory of one layer
    compile: bool = False  # the encoder's layers by torch.compile; pays on GPUs
    remove_padding: bool | None = None  # computes no padding; None: where that is faster
    fuse: int = 1  # micro-batches in one pass; 0: the most that fit, searched once a machine
    freeze_embeddings: bool = False  # word embeddings are not trained: a deviation from the paper
    log_every: int = 10  # steps
    save_every: int | None = None  # steps between resume points; without it only when told to stop
    timeout_minutes: float = 30.0  # after which a rank that no longer answers ends the job
    deepspeed: Path | None = None  # a JSON with more of DeepSpeed's own settings

    def __post_init__(self) -> None:
        _require(self.fuse >= 0, "fuse must not be negative")
        _require(self.log_every > 0, "log_every must be greater than 0")
        _require(self.save_every is None or self.save_every > 0, "save_every must be at least 1")
        _require(self.timeout_minutes > 0, "timeout_minutes must be greater than 0")
        _require(
            self.offload == "none" or self.zero_stage > 0,
            f"offload = {self.offload!r} needs zero_stage 1, 2 or 3",
        )
        _require(
            self.offload != "parameters" or self.zero_stage == 3,
            "offload = 'parameters' needs zero_stage = 3",
        )
        _require(
            not self.compile or self.zero_stage < 3,
            "compile needs zero_stage 0, 1 or 2: stage 3 fetches weights inside the layers",
        )

    def on_ranks(self, world_size: int) -> "EngineConfig":
        """The same without what costs and does nothing on so many ranks.

        In fp32 there are no master weights: a ZeRO stage on one rank only copies gradients.
        """
        copies = self.zero_stage in (1, 2) and self.offload == "none" and self.precision == "fp32"
        stated = self.deepspeed is not None
        return replace(self, zero_stage=0) if copies and world_size == 1 and not stated else self


@dataclass(frozen=True)
class GuardConfig:
    """What is done when training goes wrong."""

    spike: float = 10.0  # a loss that many times the median of the last ones is undone; 0: never
    roll_backs: int = 3  # to the last resume point, leaving out the steps that went wrong
    restarts: int = 0  # with another seed, of a run that ends at chance (facts of the paper: XNLI)

    def __post_init__(self) -> None:
        _require(self.spike == 0 or self.spike > 1, "spike must be 0 or greater than 1")
        _require(self.roll_backs >= 0, "roll_backs must not be negative")
        _require(self.restarts >= 0, "restarts must not be negative")


@dataclass(frozen=True)
class EarlyStopConfig:
    """Stops when the loss on the validation sets gets no better, and publishes the best weights."""

    every: int  # steps between validations
    patience: int = 3  # validations without a better loss
    examples: int = 500  # of each task's validation set at most

    def __post_init__(self) -> None:
        for name in ("every", "patience", "examples"):
            _require(getattr(self, name) > 0, f"{name} must be greater than 0")


@dataclass(frozen=True)
class PhaseConfig:
    """One phase: from a parent encoder, through English training data, to a published model."""

    name: str
    role: Role
    output: Path  # the published folder; what belongs to the run stands in "<output>.run" beside it
    tasks: tuple[TaskUse, ...]
    parent: str = "default"  # an encoder, or a published model of which the encoder is taken
    from_scratch: bool = False  # the parent gives its shape and its tokenizer, but no weights
    seed: int = 1
    key: str | None = None  # of the published model; without it derived from this configuration
    data: DataConfig = field(default_factory=DataConfig)
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    guards: GuardConfig = field(default_factory=GuardConfig)
    early_stop: EarlyStopConfig | None = None

    def __post_init__(self) -> None:
        names = [use.task for use in self.tasks]
        _require(bool(names), "tasks must not be empty")
        _require(len(set(names)) == len(names), "tasks must have different names")
        explicit = self.mixture.kind == "explicit"
        _require(
            all((use.weight is not None) == explicit for use in self.tasks),
            "tasks must all have a weight if mixture.kind is 'explicit', and none otherwise",
        )

    @property
    def model_key(self) -> str:
        """The key of the model that this phase makes."""
        if self.key is not None:
            return self.key
        return short_key(self.substance())

    def substance(self) -> dict[str, object]:
        """What determines the model: all but names, folders, and how the engine goes about it."""
        table = to_table(self)
        for name in ("output", "key", "name"):
            table.pop(name, None)
        for name in INCIDENTAL:
            table["engine"].pop(name, None)
        return table

    @property
    def run_folder(self) -> Path:
        """Where logs, TensorBoard files and resume points of the run stand."""
        return self.output.with_name(self.output.name + ".run")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)

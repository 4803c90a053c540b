"""The configuration of one training phase: a TOML file, checked key by key."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dstilts.checkpoints.manifest import Role
from dstilts.core.config import to_table
from dstilts.core.digest import short_key
from dstilts.tasks.training_sets import LANGUAGE_SMOOTHING
from dstilts.tasks.transform.apply import TransformConfig

SourceName = Literal["local", "phrasebook", "hub"]
MixtureKind = Literal["proportional", "capped", "temperature", "uniform", "explicit"]
Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class TaskUse:
    """One task of a phase. Several tasks in one phase are trained on in turn, as `mixture` says."""

    task: str  # a name of the catalog
    examples: int | None = None  # a fixed random subset of the training set; without it all
    weight: float | None = None  # the share of steps, for mixture.kind = "explicit" only
    languages: tuple[str, ...] = ()  # of mlm, the one task of many languages; empty: all there are
    smoothing: float = LANGUAGE_SMOOTHING  # of mlm: the exponent of the languages' sizes
    transform: TransformConfig = field(default_factory=TransformConfig)  # before `examples` counts

    def __post_init__(self) -> None:
        _require(self.examples is None or self.examples > 0, "examples must be greater than 0")
        _require(self.weight is None or self.weight > 0, "weight must be greater than 0")
        _require(0 <= self.smoothing <= 1, "smoothing must be from 0 to 1")
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
    """How often each task of a phase is drawn; one task a step."""

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
    max_length: int = 256  # tokens of a row, longer ones are cut
    max_length_span: int = 384  # tokens of a window of a context

    def __post_init__(self) -> None:
        for name in ("tokens", "micro_batches", "max_length", "max_length_span"):
            _require(getattr(self, name) > 0, f"{name} must be greater than 0")


@dataclass(frozen=True)
class EngineConfig:
    """How DeepSpeed runs the phase; none of it changes what is computed, but for rounding."""

    zero_stage: Literal[0, 1, 2, 3] = 1
    precision: Precision = "fp32"  # the paper's; "bf16" keeps fp32 master weights
    freeze_embeddings: bool = False  # word embeddings are not trained: a deviation from the paper
    log_every: int = 10  # steps
    save_every: int | None = None  # steps between resume points; without it only when told to stop
    timeout_minutes: float = 30.0  # after which a rank that no longer answers ends the job

    def __post_init__(self) -> None:
        _require(self.log_every > 0, "log_every must be greater than 0")
        _require(self.save_every is None or self.save_every > 0, "save_every must be at least 1")
        _require(self.timeout_minutes > 0, "timeout_minutes must be greater than 0")


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
        table = to_table(self)
        del table["output"]
        return short_key(table)

    @property
    def run_folder(self) -> Path:
        """Where logs, TensorBoard files and resume points of the run stand."""
        return self.output.with_name(self.output.name + ".run")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)

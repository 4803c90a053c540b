"""What is evaluated and how: requests, options, and the example sets of a task."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from dstilts.core.errors import UserError
from dstilts.core.registry import lookup, unknown
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.encode_options import SPAN_MAX_LENGTH, EncodeOptions
from dstilts.tasks.examples import ExampleSet, Kind
from dstilts.tasks.source import Source
from dstilts.tasks.subset import take

PRECISIONS = ("fp32", "bf16", "int8")
EVALUATION_VERSION = 2  # raised when the same model and examples give other predictions or scores
_OTHER_SPLIT = {"test": "dev", "dev": "test"}


@dataclass(frozen=True)
class EvaluationRequest:
    """One model and the tasks it is evaluated on."""

    model: str
    """A published folder, or an encoder (folder or name) for tasks without a head."""
    tasks: tuple[str, ...]
    """Names of the catalog."""
    languages: tuple[str, ...] | None = None
    """None: all that the source has."""
    limit: int | None = None
    """Examples a language (of retrieval tasks: pairs); None: all."""
    split: str | None = None
    """None: each task's own split for reporting, where the source has it."""


def usual_tokens() -> int:
    """Of a micro-batch: a CPU is as fast with few, and workers then end together."""
    import torch

    return 4096 if torch.cuda.is_available() else 1024


@dataclass(frozen=True)
class EvaluationOptions:
    """How models are run; all but `tokens` stands in every record."""

    precision: str = "fp32"
    """Of weights and activations; logits and sentence vectors are fp32 in any case. int8, for CPUs
    alone, is that of the encoder's linear layers; see `precision` for where a lower one is used."""
    tokens: int = field(default_factory=usual_tokens)
    """The budget of a micro-batch, padding included; a longer row stands alone."""
    retrieval_layer: int | Literal["all"] = -1
    """Whose hidden states sentence vectors are made of: 0 the embeddings, -1 the last. All: each
    layer is scored, and the best one on dev reported; without a dev set the last one is."""
    max_length: int = EncodeOptions.max_length
    """The longest row in tokens, but never more than the encoder takes."""
    max_length_span: int = SPAN_MAX_LENGTH
    """The same for span questions, whose contexts are cut into windows."""
    label_token: Literal["first", "first_nonbare"] = EncodeOptions.label_token
    """Which sub-token of a word carries its tag."""
    seed: int = 1
    """Of the subsets that limits draw."""

    def __post_init__(self) -> None:
        lookup("precision", self.precision, dict.fromkeys(PRECISIONS))
        if self.tokens < 1:
            raise UserError(f"tokens must be at least 1, not {self.tokens}")

    def encoding(self, kind: Kind, longest: int | None = None) -> EncodeOptions:
        """How rows of a kind are encoded for an encoder that takes at most `longest` tokens."""
        wanted = self.max_length_span if kind == "span" else self.max_length
        max_length = min(wanted, longest or wanted)
        # Shorter windows are shifted by less, so that they overlap.
        stride = min(EncodeOptions.doc_stride, max(1, max_length // 3))
        return EncodeOptions(max_length=max_length, doc_stride=stride, label_token=self.label_token)

    def recorded(self, spec: TaskSpec) -> dict[str, object]:
        """What of these options decides the predictions of a task."""
        encoding = self.encoding(spec.kind)
        recorded: dict[str, object] = {
            "precision": self.precision,
            "max_length": encoding.max_length,
        }
        match spec.kind:
            case "span":
                recorded["doc_stride"] = encoding.doc_stride
            case "tagging":
                recorded["label_token"] = encoding.label_token
            case "retrieval" if spec.pooling == "mean":
                recorded["layer"] = self.retrieval_layer
        return recorded


def splits_of(source: Source, task_name: str, split: str | None = None) -> dict[str, str]:
    """By language of a task in a source the split that it is evaluated on.

    Raises:
        UserError: an unknown task or split.
    """
    spec = task(task_name)
    if split is not None:
        lookup("split for evaluation", split, _OTHER_SPLIT)
    splits = (split,) if split else (spec.eval_split, _OTHER_SPLIT[spec.eval_split])
    found: dict[str, str] = {}
    for name in splits:
        for code in source.languages(task_name, name):
            found.setdefault(code, name)
    return found


def evaluation_sets(
    source: Source,
    task_name: str,
    *,
    languages: Sequence[str] | None,
    limit: int | None,
    split: str | None = None,
    seed: int = 1,
) -> list[ExampleSet]:
    """The examples of a task in each language, in the order of the source's languages.

    The split is `split`, or else the task's own for reporting where the source has it in that
    language, or else the other one of dev and test. Without `languages` all that there are, which
    may be none.

    Raises:
        UserError: an unknown task or split, a language that is named but not there, or what the
            source raises.
    """
    found = splits_of(source, task_name, split)
    for code in languages or ():
        if code not in found:
            raise unknown(f"language of {task_name} in the source {source.name!r}", code, found)
    wanted = [code for code in task(task_name).languages if code in found]
    wanted += [code for code in found if code not in wanted]
    return [
        take(source.load(task_name, found[code], code), limit, seed)
        for code in wanted
        if languages is None or code in languages
    ]

"""The models of an evaluation: what a record says of them, the heads they have, their tokenizer."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from dstilts.checkpoints.manifest import PhaseRecord, read_manifest
from dstilts.checkpoints.publish import is_published
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.evaluation.costs import EncoderShape
from dstilts.models.encoder import EncoderBundle, load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.transform.few_shot import FewShot


@dataclass(frozen=True)
class EvaluatedModel:
    """A published model, or a pretrained encoder as it is."""

    location: str  # a published folder, or what `load_encoder` takes
    published: bool
    key: str  # names its folders below the output
    digest: str  # of its content
    name: str
    encoder: str  # the pretrained encoder at the root of the lineage
    reader: str  # equal for models with the same tokenizer and the same longest input
    intermediate: str = "none"
    target: str | None = None
    seed: int | None = None
    lineage: tuple[PhaseRecord, ...] = ()
    heads: Mapping[str, HeadSpec] = field(default_factory=dict)
    few_shot: tuple[FewShot, ...] = ()

    def check_serves(self, spec: TaskSpec) -> None:
        """Compares a task with the model's heads.

        Raises:
            UserError: no head of the model predicts this task.
        """
        if spec.kind == "retrieval":
            return  # vectors come from the encoder, trained for it or not
        heads = ", ".join(self.heads) or "none"
        head = self.heads.get(spec.head or "")
        if head is None:
            raise UserError(
                f"the model {self.name!r} has no head {spec.head!r} for the task {spec.name!r}",
                remedy=f"its heads: {heads}",
            )
        if head != HeadSpec.of(self.spec_of(spec)):
            raise UserError(
                f"the head {spec.head!r} of the model {self.name!r} has other labels than the "
                f"task {spec.name!r}: {', '.join(head.labels)}"
            )

    def spec_of(self, spec: TaskSpec) -> TaskSpec:
        """The task with the labels this model learned, where the catalog leaves them open."""
        head = self.heads.get(spec.head or "")
        if not spec.open_labels or head is None:
            return spec
        return dataclasses.replace(spec, labels=head.labels)


@dataclass(frozen=True)
class Reader:
    """How a model reads text."""

    tokenizer: PreTrainedTokenizerFast
    longest: int | None  # tokens of the longest input; None: no limit
    shape: EncoderShape  # of the encoders that read so


class ModelShelf:
    """Describes models; tokenizers that several models share are loaded once."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader] = {}

    def model(self, location: str) -> EvaluatedModel:
        """What a published folder, or an encoder's folder or name, is.

        Raises:
            UserError: there is no such model, or its manifest is broken.
        """
        if is_published(Path(location)):
            return _published(Path(location))
        bundle = load_encoder(location)
        self._readers[bundle.digest] = _reader(bundle)
        return EvaluatedModel(
            location=location,
            published=False,
            key=bundle.digest,
            digest=bundle.digest,
            name=bundle.name,
            encoder=bundle.name,
            reader=bundle.digest,
        )

    def reader(self, model: EvaluatedModel) -> Reader:
        """The model's tokenizer and longest input."""
        if model.reader not in self._readers:
            bundle = load_encoder(model.location)
            self._readers[model.reader] = _reader(bundle)
        return self._readers[model.reader]


def _reader(bundle: EncoderBundle) -> Reader:
    return Reader(bundle.tokenizer, bundle.max_length, EncoderShape.of(bundle.model))


def _published(folder: Path) -> EvaluatedModel:
    manifest = read_manifest(folder)
    weights = {name: key for name, key in manifest.files.items() if name.endswith(".safetensors")}
    reading = {name: key for name, key in manifest.files.items() if name not in weights}
    return EvaluatedModel(
        location=str(folder),
        published=True,
        key=manifest.key,
        digest=short_key(manifest.files),
        name=manifest.name,
        encoder=manifest.encoder,
        reader=short_key(reading),
        intermediate=manifest.intermediate,
        target=manifest.target,
        seed=manifest.seed,
        lineage=manifest.lineage,
        heads=manifest.heads,
        few_shot=manifest.few_shot,
    )

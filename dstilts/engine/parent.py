"""What a phase starts from: a pretrained encoder, or the encoder of a published model."""

from dataclasses import dataclass
from pathlib import Path

from dstilts.checkpoints.manifest import PhaseRecord, read_manifest
from dstilts.checkpoints.publish import is_published, verify_files
from dstilts.core.errors import UserError
from dstilts.engine.phase import BatchConfig
from dstilts.models.encoder import EncoderBundle, load_encoder, untrained
from dstilts.tasks.transform.few_shot import FewShot


@dataclass(frozen=True)
class Parent:
    """An encoder and its history. As in the paper heads are not carried over but new."""

    bundle: EncoderBundle
    encoder: str  # the name of the pretrained encoder at the root
    key: str | None  # of the published model; None for a pretrained encoder
    lineage: tuple[PhaseRecord, ...]
    few_shot: tuple[FewShot, ...] = ()


def load_parent(name: str, from_scratch: int | None = None) -> Parent:
    """Loads the parent of a phase; a published model's files are compared with their hashes first.

    Args:
        from_scratch: a seed: the encoder gets first weights drawn from it, and has no history.

    Raises:
        UserError: there is no such encoder or model, or it is broken.
    """
    if from_scratch is not None:
        bundle = untrained(load_encoder(name), from_scratch)
        return Parent(bundle, bundle.name, None, ())
    folder = Path(name)
    if not is_published(folder):
        bundle = load_encoder(name)
        return Parent(bundle, bundle.name, None, ())
    manifest = read_manifest(folder)
    verify_files(folder, manifest.files)
    return Parent(
        load_encoder(name), manifest.encoder, manifest.key, manifest.lineage, manifest.few_shot
    )


def check_lengths(batch: BatchConfig, bundle: EncoderBundle) -> None:
    """Compares the longest rows of a phase with what the encoder takes.

    Raises:
        UserError: rows may be longer.
    """
    limit = bundle.max_length
    for name in ("max_length", "max_length_span"):
        if limit is not None and getattr(batch, name) > limit:
            raise UserError(
                f"batch.{name} = {getattr(batch, name)} is more than {bundle.name} takes",
                remedy=f"at most {limit}",
            )

"""The manifest of a published model: its key, where it comes from, and the hashes of its files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dstilts.core.config import build, to_table
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.models.heads import HeadSpec
from dstilts.tasks.transform.few_shot import FewShot

SCHEMA = 1
MANIFEST_FILE = "manifest.json"

Role = Literal["pretraining", "intermediate", "target"]


@dataclass(frozen=True)
class PhaseRecord:
    """One training phase in the history of a model."""

    name: str
    role: Role
    tasks: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Manifest:
    """What is said of a published model; written last, so its presence means a whole folder."""

    key: str  # of the phase that made the model
    name: str  # of that phase
    encoder: str  # the pretrained encoder at the root of the lineage
    lineage: tuple[PhaseRecord, ...]  # oldest first, the last one made this model
    heads: dict[str, HeadSpec]
    parent: str | None = None  # the key of the published model it started from
    data: dict[str, object] = field(default_factory=dict)  # by task: source, subset, count, digest
    settings: dict[str, object] = field(default_factory=dict)  # the phase's configuration
    deviations: tuple[str, ...] = ()  # from the paper's procedure, in words
    few_shot: tuple[FewShot, ...] = ()  # evaluation examples that some phase trained on
    versions: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # name -> SHA-256; filled in by `publish`
    schema: int = SCHEMA

    @property
    def intermediate(self) -> str:
        """The names of the intermediate phases joined by "+", or "none"."""
        names = [phase.name for phase in self.lineage if phase.role == "intermediate"]
        return "+".join(names) or "none"

    @property
    def target(self) -> str | None:
        """The task of the target phase, or None for a model without one."""
        targets = [phase for phase in self.lineage if phase.role == "target"]
        return "+".join(targets[-1].tasks) if targets else None

    @property
    def seed(self) -> int:
        """The seed of the phase that made the model."""
        return self.lineage[-1].seed


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest of `folder`, atomically."""
    write_json(folder / MANIFEST_FILE, to_table(manifest))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a published folder; the files it names are not looked at.

    Raises:
        UserError: there is none, or it is broken or of another schema.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise UserError("no published model here: manifest.json is missing", file=folder)
    table = read_json(path)
    if not isinstance(table, dict) or table.get("schema") != SCHEMA:
        raise UserError(f"not a manifest of schema {SCHEMA}", file=path)
    return build(Manifest, table, file=path)

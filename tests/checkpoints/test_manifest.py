"""The manifest of a published model."""

import json
from pathlib import Path

import pytest

from dstilts.checkpoints.manifest import Manifest, PhaseRecord, read_manifest, write_manifest
from dstilts.core.errors import UserError
from dstilts.models.heads import HeadSpec

NLI = PhaseRecord("nli", "intermediate", ("mnli", "snli"), 1)
QA = PhaseRecord("qa", "intermediate", ("squad_v1",), 1)
XNLI = PhaseRecord("xnli", "target", ("xnli",), 2)


def manifest(*lineage: PhaseRecord) -> Manifest:
    return Manifest(
        key="k1",
        name=lineage[-1].name,
        encoder="default",
        lineage=lineage,
        heads={"nli": HeadSpec("pair", ("no", "yes"))},
        parent=None,
        data={"mnli": {"source": {"name": "local"}, "subset": None, "num_examples": 3}},
        metrics={"loss": 0.5},
    )


def test_reads_what_it_wrote(tmp_path: Path) -> None:
    written = manifest(NLI, XNLI)
    write_manifest(tmp_path, written)
    assert read_manifest(tmp_path) == written


@pytest.mark.parametrize(
    ("lineage", "intermediate", "target"),
    [((XNLI,), "none", "xnli"), ((NLI,), "nli", None), ((NLI, QA, XNLI), "nli+qa", "xnli")],
)
def test_place_in_the_grid(
    lineage: tuple[PhaseRecord, ...], intermediate: str, target: str | None
) -> None:
    made = manifest(*lineage)
    assert (made.intermediate, made.target) == (intermediate, target)
    assert made.seed == lineage[-1].seed


def test_broken_manifests(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.json is missing"):
        read_manifest(tmp_path)
    file = tmp_path / "manifest.json"
    file.write_text('{"schema": 1, "key": "k')
    with pytest.raises(UserError, match="broken JSON"):
        read_manifest(tmp_path)
    file.write_text(json.dumps({"schema": 99}))
    with pytest.raises(UserError, match="not a manifest of schema 1"):
        read_manifest(tmp_path)
    file.write_text(json.dumps({"schema": 1, "key": "k1"}))
    with pytest.raises(UserError, match="'name' is missing"):
        read_manifest(tmp_path)

"""MANIFEST.csv: its rows, and what is wrong with a broken one."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.manifest import ManifestRow, read_manifest

HEAD = "dataset,split,language,path,examples,status\n"


def test_rows_are_read_by_the_names_of_their_columns(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == []
    (tmp_path / "MANIFEST.csv").write_text(f'{HEAD}xnli,dev,en,xnli/dev-en.tsv,5,"a, b"\n')
    assert read_manifest(tmp_path) == [ManifestRow(2, "xnli", "dev", "en", "xnli/dev-en.tsv", 5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}xnli,dev,en,p,five,\n", r"MANIFEST\.csv:2: 'five' is no number of examples"),
        (f"{HEAD}xnli,dev,en,p,5,\nxnli,dev,en,p,5,\n", r"MANIFEST\.csv:3: 'p' stands twice"),
        (f"{HEAD}xnli,dev,en\n", r"MANIFEST\.csv:2: 3 columns where 6 are expected"),
        ("dataset,path\n", r"MANIFEST\.csv:1: column 'split' is missing"),
    ],
)
def test_broken_manifests_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "MANIFEST.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_manifest(tmp_path)

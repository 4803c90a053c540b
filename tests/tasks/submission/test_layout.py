"""Names of the files, and what does not belong into a task's folder."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.submission.layout import file_in, file_name, languages_in


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("xnli", "tsv"),
        ("pawsx", "tsv"),
        ("xcopa", "jsonl"),
        ("udpos", "tsv"),
        ("mlqa", "json"),
        ("bucc2018", "tsv"),
        ("tatoeba", "tsv"),
        ("lareqa", "json"),
        ("mewslix", "json"),
    ],
)
def test_official_names(name: str, suffix: str) -> None:
    assert file_name(task(name), "tr") == f"test-tr.{suffix}"


def test_files_by_language(tmp_path: Path) -> None:
    for name in ("test-vi.jsonl", "test-et.tsv", ".hidden"):
        (tmp_path / name).touch()
    found = languages_in(tmp_path, task("xcopa"))
    assert found == {"et": tmp_path / "test-et.tsv", "vi": tmp_path / "test-vi.jsonl"}
    assert list(found) == ["et", "vi"]
    assert file_in(tmp_path, task("xcopa"), "et") == tmp_path / "test-et.tsv"
    assert file_in(tmp_path, task("xcopa"), "zh") is None


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["test-et.json"], "test-et.json: not a file of the layout; name it test-LANGUAGE.jsonl"),
        (["dev-et.jsonl"], "dev-et.jsonl: not a file of the layout"),
        (["test-et.jsonl.gz"], "test-et.jsonl.gz: not a file of the layout"),
        (["README"], "README: not a file of the layout"),
        (["test-.jsonl"], "test-.jsonl: '' is no language of xcopa; it has: et ht id"),
        (["test-iz.jsonl"], "test-iz.jsonl: 'iz' is no language of xcopa"),
        (["test-et.jsonl", "test-et.tsv"], "test-et.jsonl is there as well; take one of them out"),
    ],
)
def test_what_does_not_belong_there(tmp_path: Path, names: list[str], problem: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError) as caught:
        languages_in(tmp_path, task("xcopa"))
    assert problem in str(caught.value)

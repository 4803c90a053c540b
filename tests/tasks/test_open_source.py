"""Sources by name, and what is said where there is none."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.open_source import SOURCES, open_source


def test_each_source_bears_its_name(tmp_path: Path) -> None:
    assert [open_source(name, tmp_path).name for name in SOURCES] == list(SOURCES)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown source 'phrasebok'; did you mean 'phrasebook'\?"):
        open_source("phrasebok")
    with pytest.raises(UserError, match="none: no such data folder; give the folder of the data"):
        open_source("local", tmp_path / "none")
    with pytest.raises(UserError, match="the source 'local' needs a folder"):
        open_source("local")

"""Malformed files of every layout: one clear line that names the file, or nothing changes."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.examples import Example
from dstilts.tasks.layouts import LAYOUTS
from dstilts.tasks.local import LocalSource
from tests.tasks.malformed import damages
from tests.tasks.valid_files import LAYOUTS_AT_TEST, Layout

SEEDS = range(2)
IDS = [f"{n}-{layout.task}-{layout.split}" for n, layout in enumerate(LAYOUTS_AT_TEST)]


def write(folder: Path, layout: Layout) -> None:
    for name, text in layout.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def load(folder: Path, layout: Layout) -> tuple[Example, ...]:
    return LocalSource(folder).load(layout.task, layout.split, layout.language).examples


@pytest.mark.parametrize("layout", LAYOUTS_AT_TEST, ids=IDS)
def test_one_clear_line_or_the_same_examples(tmp_path: Path, layout: Layout) -> None:
    write(tmp_path, layout)
    expected = load(tmp_path, layout)
    assert expected
    name = next(iter(layout.files))
    for seed in SEEDS:
        for damage, ending, content in damages(layout, seed):
            (tmp_path / name).unlink(missing_ok=True)
            damaged = tmp_path / f"{name}{ending}"
            damaged.write_bytes(content)
            if damage.startswith("harmless"):
                assert load(tmp_path, layout) == expected, damage
            else:
                with pytest.raises(UserError) as raised:
                    load(tmp_path, layout)
                    pytest.fail(f"{damage} was read: {content[-300:]!r}")
                message = str(raised.value)
                assert any(Path(file).name in message for file in layout.files), (damage, message)
                assert len(message) < 600, message
                assert "\n" not in message
            damaged.unlink()


def test_at_least_200_files_and_every_reader() -> None:
    cases = [(layout, d) for layout in LAYOUTS_AT_TEST for s in SEEDS for d in damages(layout, s)]
    assert sum(not name.startswith("harmless") for _, (name, _, _) in cases) >= 200
    tasks = {name for name in LAYOUTS if name != "anli_plus"}
    assert {layout.task for layout, _ in cases} == tasks

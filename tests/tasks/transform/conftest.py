"""Fixtures of the transformations' tests: sets of examples, and a source that holds some."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.examples import Example, ExampleSet

MakeSet = Callable[..., ExampleSet]


class FakeSource:
    """A source of the sets it is given."""

    name = "fake"

    def __init__(self, sets: Sequence[ExampleSet]) -> None:
        self._sets = {(each.task, each.split, each.language): each for each in sets}

    def tasks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(task for task, _, _ in self._sets))

    def languages(self, task: str, split: str) -> tuple[str, ...]:
        return tuple(code for *key, code in self._sets if key == [task, split])

    def load(self, task: str, split: str, language: str) -> ExampleSet:
        try:
            return self._sets[task, split, language]
        except KeyError:
            raise UserError(f"no {split} split of {task} in {language}") from None

    def identity(self) -> dict[str, object]:
        return {"name": self.name}


@pytest.fixture
def make_source() -> Callable[..., FakeSource]:
    return lambda *sets: FakeSource(sets)


@pytest.fixture
def make_set() -> MakeSet:
    def make(
        task: str,
        examples: Iterable[Example],
        split: str = "train",
        language: str = "en",
        subset: str | None = None,
    ) -> ExampleSet:
        return ExampleSet(task, split, language, "local", tuple(examples), subset=subset)

    return make

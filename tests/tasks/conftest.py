"""Fixtures of the task tests: the tiny tokenizer, and sets of examples made on the spot."""

from collections.abc import Callable, Iterable

import pytest
from transformers import PreTrainedTokenizerFast

from dstilts.tasks.examples import Example, ExampleSet
from tests.tiny import tiny_tokenizer

MakeSet = Callable[..., ExampleSet]


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return tiny_tokenizer()


@pytest.fixture
def example_set() -> MakeSet:
    """A set of the given examples of a task."""

    def make(task: str, examples: Iterable[Example], language: str = "en") -> ExampleSet:
        return ExampleSet(task, "dev", language, "local", tuple(examples))

    return make

"""The examples of every kind of task, and a set of them with its origin."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from dstilts.core.digest import stream_digest

Kind = Literal["pair", "choice", "span", "tagging", "retrieval"]


@dataclass(frozen=True, slots=True)
class PairExample:
    """Two texts and a label: natural language inference, paraphrase."""

    id: str
    text_a: str
    text_b: str
    label: str | None  # None where the split is published without labels


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A context, a question and several answers of which one is right."""

    id: str
    context: str  # may be empty (CommonsenseQA)
    question: str
    choices: tuple[str, ...]
    label: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold answer: `context[start:start + len(text)] == text`."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class SpanExample:
    """A question whose answer is a span of the context."""

    id: str
    context: str
    question: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class TaggingExample:
    """A sentence of words with one tag each."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SentenceExample:
    """A sentence on one side of a retrieval task, and the ids of its translations on the other."""

    id: str
    text: str
    side: Literal["source", "target"]  # source: the evaluated language; target: English
    matches: tuple[str, ...]


Example = PairExample | ChoiceExample | SpanExample | TaggingExample | SentenceExample


@dataclass(frozen=True)
class ExampleSet:
    """All examples of one task, split and language, and where they come from."""

    task: str
    split: str
    language: str
    source: str  # "local", "phrasebook", "hub"
    examples: tuple[Example, ...]
    subset: str | None = None  # how the set differs from the published split; None: it does not
    files: tuple[str, ...] = field(default=())  # what was read, relative to the source's folder

    def __len__(self) -> int:
        return len(self.examples)

    def digest(self) -> str:
        """The SHA-256 of the examples' content, in order."""
        return stream_digest([self.task, *map(repr, self.examples)])


def texts(examples: ExampleSet) -> Iterator[str]:
    """Every text of a set as it goes to the tokenizer: whole texts, single words for tagging."""
    for example in examples.examples:
        match example:
            case PairExample():
                yield example.text_a
                yield example.text_b
            case ChoiceExample():
                yield example.context
                yield example.question
                yield from example.choices
            case SpanExample():
                yield example.context
                yield example.question
            case TaggingExample():
                yield from example.words
            case SentenceExample():
                yield example.text

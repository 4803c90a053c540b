"""The examples of every kind of task, and a set of them with its origin."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from dstilts.core.digest import stream_digest

Kind = Literal["pair", "choice", "span", "tagging", "retrieval", "mlm"]


@dataclass(frozen=True, slots=True)
class PairExample:
    """Two texts and a label: natural language inference, paraphrase."""

    id: str
    text_a: str
    text_b: str
    label: str | None  # None where the split is published without labels
    domain: str = ""  # where the text comes from (MNLI's genre); "" where nothing tells


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A context, a question and several answers of which one is right."""

    id: str
    context: str  # may be empty (CommonsenseQA)
    question: str
    choices: tuple[str, ...]
    label: int | None
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold answer: `context[start:start + len(text)] == text`."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class SpanExample:
    """A question whose answer is a span of the context.

    No answers and `answerable`: the split is published without them. No answers and not
    `answerable`: the gold side is that the context does not answer the question (SQuAD v2.0).
    """

    id: str
    context: str
    question: str
    answers: tuple[Answer, ...]
    answerable: bool = True
    domain: str = ""


@dataclass(frozen=True, slots=True)
class TaggingExample:
    """A sentence of words with one tag each."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...]
    domain: str = ""  # the treebank


@dataclass(frozen=True, slots=True)
class SentenceExample:
    """A text on one side of a retrieval task, and the ids of what it matches on the other.

    Parallel sentences (Tatoeba, BUCC): `source` is the evaluated language, `target` English.
    Ranking (LAReQA, Mewsli-X): `source` asks, `target` is the pool of candidates in all languages.
    """

    id: str
    text: str
    side: Literal["source", "target"]
    matches: tuple[str, ...]
    context: str = ""  # what a candidate stands in; encoded as a second text


@dataclass(frozen=True, slots=True)
class TextExample:
    """A text without a label, to be masked."""

    id: str
    text: str


Example = PairExample | ChoiceExample | SpanExample | TaggingExample | SentenceExample | TextExample


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
    calibration: tuple[Example, ...] = ()  # mining: the dev set, on which the threshold is chosen

    def __len__(self) -> int:
        return len(self.examples)

    def digest(self) -> str:
        """The SHA-256 of the examples' content, in order."""
        mark = ("calibration",) if self.calibration else ()
        parts = chain((self.task,), map(repr, self.examples), mark, map(repr, self.calibration))
        return stream_digest(parts)


def texts(examples: ExampleSet) -> Iterator[str]:
    """Every text of a set as it goes to the tokenizer: whole texts, single words for tagging."""
    for example in (*examples.examples, *examples.calibration):
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
                yield example.context
            case TextExample():
                yield example.text

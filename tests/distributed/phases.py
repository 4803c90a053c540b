"""Small training phases on made-up examples, for tests that start real ranks."""

import random
from itertools import zip_longest
from pathlib import Path

from dstilts.engine.phase import (
    BatchConfig,
    EngineConfig,
    PhaseConfig,
    ScheduleConfig,
    TaskUse,
)
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from tests.tiny import SENTENCES

WORDS = SENTENCES["en"].split()


def made_up(name: str, number: int = 120) -> ExampleSet:
    """A training set of any kind: random words, labels that can be learned, 2 to 20 words."""
    draw = random.Random(name)
    if task(name).kind == "retrieval":
        examples = tuple(e for index in range(number) for e in _match(index, draw))
    else:
        examples = tuple(_example(name, str(index), draw) for index in range(number))
    return ExampleSet(name, "train", "en", "made up", examples)


def _example(name: str, number: str, draw: random.Random) -> Example:
    spec = task(name)
    words = draw.choices(WORDS, k=draw.randint(2, 20))
    match spec.kind:
        case "pair":
            half = len(words) // 2
            label = spec.labels[WORDS.index(words[0]) % 2]
            return PairExample(number, " ".join(words[:half]), " ".join(words[half:]), label)
        case "tagging":
            tags = tuple(spec.labels[WORDS.index(word) % 3] for word in words)
            return TaggingExample(number, tuple(words), tags)
        case "span":
            answer = len(words) // 2
            start = len("".join(f"{word} " for word in words[:answer]))
            gold = Answer(words[answer], start)
            return SpanExample(number, " ".join(words), "Where is it?", (gold,))
        case "choice":
            choices = tuple(draw.choices(WORDS, k=spec.num_choices or 3))
            return ChoiceExample(number, " ".join(words), "Who?", choices, draw.randrange(3))
        case "mlm":
            return TextExample(number, " ".join(words))
    raise ValueError(name)


def _match(number: int, draw: random.Random) -> tuple[Example, Example]:
    """A question and its candidate, which have a word in common."""
    words = draw.choices(WORDS, k=draw.randint(2, 6))
    question = SentenceExample(f"q{number}", f"Where is {words[0]}?", "source", (f"c{number}",))
    text = " ".join(words)
    return question, SentenceExample(f"c{number}", text, "target", (), context=f"{text} here")


def phase(
    output: Path,
    parent: Path,
    *tasks: str,
    steps: int = 20,
    tasks_per_step: int = 1,
    loss_scales: tuple[float, ...] = (),
    **engine: object,
) -> PhaseConfig:
    """A phase of a few steps with rates high enough that errors would show.

    Adam's epsilon is large: with a small one an element whose gradient is zero but for rounding
    moves as far as any other, in a direction that depends on the processor.
    """
    return PhaseConfig(
        name=output.name,
        role="intermediate",
        output=output,
        parent=str(parent),
        tasks=tuple(
            TaskUse(name, loss_scale=scale)
            for name, scale in zip_longest(tasks, loss_scales, fillvalue=1.0)
        ),
        schedule=ScheduleConfig(steps=steps, learning_rate=5e-3, clip_norm=0.5, adam_epsilon=1e-4),
        batch=BatchConfig(
            tokens=120,
            micro_batches=4,
            tasks_per_step=tasks_per_step,
            max_length=64,
            max_length_span=64,
        ),
        engine=EngineConfig(log_every=1, **engine),
    )

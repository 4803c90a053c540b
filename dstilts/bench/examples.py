"""The examples that are trained on and those that are held out: real ones, or of real lengths."""

import dataclasses
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.random_numbers import stream
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import Answer, Example, ExampleSet, PairExample, SpanExample
from dstilts.tasks.open_source import open_source
from dstilts.tasks.subset import take
from dstilts.tasks.training_sets import training_set

# Pieces of XLM-R's tokenizer in the first and the second text, as mean and deviation of the
# logarithm: fitted to MNLI, Quora's question pairs and SQuAD (context, question). Our words are of
# one piece each.
LENGTHS = {
    "mnli": ((3.06, 0.70), (2.51, 0.42)),
    "qqp": ((2.57, 0.43), (2.56, 0.45)),
    "squad_v1": ((5.13, 0.42), (2.60, 0.32)),
}
TASKS = tuple(LENGTHS)


def read_sets(
    name: str,
    data: Path | None,
    num_examples: int,
    num_held_out: int,
    seed: int,
    least: int | None = None,
) -> tuple[ExampleSet, ExampleSet]:
    """Random examples of a task's training set, and of its validation set.

    Args:
        data: a folder of data sets; without it the embedded phrasebook.
        least: how many training examples will do where `num_examples` are not there.

    Raises:
        UserError: an unknown task, or the source has too few examples of it.
    """
    source = open_source("local" if data else "phrasebook", data)
    training = take(training_set(source, name), num_examples, seed)
    held_out = take(source.load(name, "dev", "en"), num_held_out, seed)
    least = num_examples if least is None else least
    if len(training) < least:
        raise UserError(
            f"{source.name} has {len(training)} examples of {name!r} to train on",
            remedy=f"--examples {len(training)} at most, or --made-up",
        )
    # Encoded as the training set is, with what its loss is made from.
    return training, dataclasses.replace(held_out, split="train")


def make_sets(
    name: str, num_examples: int, num_held_out: int, seed: int
) -> tuple[ExampleSet, ExampleSet]:
    """Made-up examples of random words with the lengths of the real task.

    Raises:
        UserError: there are no lengths for this task.
    """
    examples = [_made_up(name, number, seed) for number in range(num_examples + num_held_out)]
    cut = len(examples) - num_held_out
    training, held_out = (
        ExampleSet(name, "train", "en", "made up", tuple(part))
        for part in (examples[:cut], examples[cut:])
    )
    return training, held_out


def _made_up(name: str, number: int, seed: int) -> Example:
    draws = stream("bench", name, seed, number)
    first, second = (
        max(1, round(float(draws.lognormal(mean, deviation)))) for mean, deviation in LENGTHS[name]
    )
    words = draws.choice(_WORDS, first).tolist()
    text = " ".join(words)
    if name == "squad_v1":
        question = " ".join(draws.choice(_WORDS, second))
        place = int(draws.integers(first))
        start = len("".join(f"{word} " for word in words[:place]))
        return SpanExample(str(number), text, question, (Answer(words[place], start),))
    labels = task(name).labels
    index = int(draws.integers(len(labels)))
    # Each label has words of its own in the second text: something to learn, so that losses move.
    return PairExample(
        str(number),
        text,
        " ".join(draws.choice(_WORDS[index :: len(labels)], second)),
        labels[index],
    )


_WORDS = (
    "the of and to in that was his he it with is for as had you not be her on at by "
    "which have or from this him but all she they were my are me one their so an said them we who "
    "would been will no when there if more out up into do any your what has man could other than "
    "our some very time upon about may its only now like little then can should made did us such "
    "great before must two these see know over much down after first good men own never most old "
    "house river garden teacher window morning question evening country machine market letter"
).split()

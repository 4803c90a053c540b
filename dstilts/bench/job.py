"""What one side of a comparison has to do, as a file that its process reads, and what it found."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dstilts.core.config import build, to_table
from dstilts.core.files import read_json, write_json
from dstilts.tasks.examples import (
    Answer,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)

Side = Literal["dstilts", "trainer-full", "trainer-longest", "trainer-grouped", "torch"]
BenchPrecision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Job:
    """One training run of one side. Every side gets the same but for `side`, ranks and `output`."""

    side: Side
    task: str
    encoder: str  # what `load_encoder` takes
    examples: Path  # a file of `write_examples`
    held_out: Path  # likewise
    output: Path  # a folder: rank-0.json and so on, and whatever the side leaves behind
    num_steps: int
    batch_size: int  # examples of a step, over all ranks
    ranks: int
    precision: BenchPrecision
    learning_rate: float
    warmup_share: float
    max_length: int
    tokens: int  # of a micro-batch of dstilts, so that a step has `batch_size` examples on average
    log_every: int  # steps; the first ones up to here are not timed
    seed: int
    overrides: tuple[str, ...] = ()  # key=value, of the phase of dstilts alone

    def write(self, path: Path) -> None:
        """Writes the job as JSON."""
        write_json(path, to_table(self))


def read_job(path: Path) -> Job:
    """The job that `Job.write` wrote.

    Raises:
        UserError: the file is missing or is no job.
    """
    return build(Job, read_json(path), file=path)


@dataclass(frozen=True)
class RankResult:
    """What one rank measured. Counts are of this rank and of the timed steps alone."""

    seconds: float  # of the timed steps
    num_examples: int
    num_tokens: int  # without padding
    num_padded_tokens: int
    flops: float  # that the tokens without padding need, forwards and backwards
    peak_memory: int  # bytes: resident, or allocated on the GPU
    begun: float  # time of day at the first step
    curve: list[list[float]]  # [steps taken, mean loss since the last point]; of rank 0
    held_out_loss: float | None  # of rank 0

    def write(self, folder: Path, rank: int) -> None:
        """Writes the result beside those of the other ranks."""
        write_json(folder / f"rank-{rank}.json", dataclasses.asdict(self))


def read_results(folder: Path, ranks: int) -> list[RankResult]:
    """The results of all ranks, in order.

    Raises:
        UserError: one is missing.
    """
    return [RankResult(**read_json(folder / f"rank-{rank}.json")) for rank in range(ranks)]


def write_examples(path: Path, examples: ExampleSet) -> None:
    """Writes a set of pairs, spans, tagged words or sentences as JSON, so that no side spends time
    on reading raw files.
    """
    write_json(path, dataclasses.asdict(examples))


def read_examples(path: Path) -> ExampleSet:
    """The set that `write_examples` wrote.

    Raises:
        UserError: the file is missing or broken.
    """
    table = read_json(path)
    for name in ("examples", "calibration"):
        table[name] = tuple(_example(row) for row in table[name])
    return ExampleSet(**{**table, "files": tuple(table["files"])})


def _example(row: dict[str, Any]) -> Example:
    if "text_a" in row:
        return PairExample(**row)
    if "words" in row:
        return TaggingExample(**{**row, "words": tuple(row["words"]), "tags": tuple(row["tags"])})
    if "side" in row:
        return SentenceExample(**{**row, "matches": tuple(row["matches"])})
    answers = tuple(Answer(**answer) for answer in row.pop("answers"))
    return SpanExample(**row, answers=answers)

"""Mining of files with a folder for what is unfinished, so that a killed job goes on."""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.core.digest import short_key, stream_digest
from dstilts.core.errors import UserError
from dstilts.core.logs import log
from dstilts.retrieval.crew import Crew
from dstilts.retrieval.embed import SentenceEncoder
from dstilts.retrieval.job import MinedSide, MiningOptions, MiningResult, mine_sides, say_repeated
from dstilts.retrieval.sides import Side, check_widths
from dstilts.retrieval.stream import StateFile, Vectors
from dstilts.tasks.metrics.mining import Pair
from dstilts.tasks.progress import Progress

Given = tuple[Side, npt.NDArray[Any]]


def mine_vectors(
    source: Given,
    target: Given,
    options: MiningOptions,
    gold: set[Pair] | None,
    work: Path,
    crew: Crew,
) -> MiningResult:
    """Mines two sides whose vectors are given.

    Args:
        work: the folder for the state of the search, see `work_folder`.
        crew: searches; this is its rank 0.

    Raises:
        UserError: the sides' vectors do not fit together, or one is zero or not finite.
    """
    check_widths((source, target))
    sides = (MinedSide.of(source[0]), MinedSide.of(target[0]))
    vectors = (sides[0].chosen(source[1]), sides[1].chosen(target[1]))
    for side, chosen in zip(sides, vectors, strict=True):
        side.check(chosen, matrix_rows=True)
    say_repeated(sides)
    key = short_key([_file_key(side) for side in sides])
    with work_folder(work):
        state = StateFile(work / "search.safetensors", key)
        return mine_sides(sides, vectors, options, gold, state, crew)


def mine_sentences(
    source: Side,
    target: Side,
    encoder: SentenceEncoder,
    options: MiningOptions,
    gold: set[Pair] | None,
    work: Path,
    crew: Crew,
) -> dict[int, MiningResult]:
    """Mines two sides by an encoder's vectors; returns the result of each of its layers.

    Texts that stand several times on a side are encoded once.

    Args:
        encoder: as the crew has loaded it.
        crew: encodes and searches; this is its rank 0.

    Raises:
        UserError: the encoder gives a vector that is zero or not finite.
    """
    sides = (MinedSide.of(source), MinedSide.of(target))
    say_repeated(sides)
    results = {}
    with work_folder(work):
        matrices = [
            _embedded(side, which, encoder, work, crew)
            for side, which in zip(sides, ("source", "target"), strict=True)
        ]
        for number, layer in enumerate(encoder.layers):
            vectors = (Vectors(matrices[0][number]), Vectors(matrices[1][number]))
            for side, found in zip(sides, vectors, strict=True):
                side.check(found, matrix_rows=False)
            key = short_key([encoder.key, layer, *(stream_digest(side.texts()) for side in sides)])
            state = StateFile(work / f"search.{layer}.safetensors", key)
            results[layer] = mine_sides(sides, vectors, options, gold, state, crew)
            if len(encoder.layers) > 1 and (scores := results[layer].scores):
                log(f"layer {layer}: F1 {scores['f1']:.2f}")
    return results


@contextlib.contextmanager
def work_folder(work: Path) -> Iterator[None]:
    """The folder of what is unfinished: kept when the job does not end, removed when it does.

    Raises:
        UserError: another job has it.
    """
    existed = work.exists()
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            remedy = "wait for it, or give another --out"
            raise UserError("another job is mining here", file=work, remedy=remedy) from None
        if existed:
            log(f"what an unfinished job has left in {work} is used where it fits")
        yield
        shutil.rmtree(work)


def _embedded(
    side: MinedSide, which: str, encoder: SentenceEncoder, work: Path, crew: Crew
) -> list[npt.NDArray[Any]]:
    texts = side.texts()
    progress = Progress(f"encoded {which} sentences", len(texts))
    return encoder.embed(texts, work / which, progress.reached, crew)


def _file_key(side: MinedSide) -> list[object]:
    """What the vectors of a side are: a file as it is now, and the rows of it.

    Not the file's digest: reading it takes as long as a part of the search.
    """
    facts = os.stat(side.side.file)
    rows = hashlib.sha256(np.ascontiguousarray(side.rows).data).hexdigest()
    return [str(side.side.file.resolve()), facts.st_size, facts.st_mtime_ns, rows]

"""What the farm's bench evaluates: a fixed share of each set, and a model with a head for each."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from dstilts.bench.job import read_examples, write_examples
from dstilts.checkpoints.manifest import Manifest, PhaseRecord
from dstilts.checkpoints.publish import publish
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.evaluation.plan import EvaluationOptions, evaluation_sets
from dstilts.models.collate import collate
from dstilts.models.encoder import EncoderBundle, load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.models.multitask import MultiTaskModel
from dstilts.tasks.benchmarks import BENCHMARKS
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import encode
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.source import Source
from dstilts.tasks.subset import take

LEAST = 2  # examples of a language, however small the share
_CENTRING = 16  # rows that tell what a head's outputs are on average


def bench_sets(
    source: Source,
    tasks: Sequence[str],
    languages: Sequence[str] | None,
    one_in: int,
    seed: int,
) -> list[ExampleSet]:
    """One in `one_in` examples of each task and language of XTREME that the source has.

    Args:
        languages: None: all; else tasks in none of them are left out.

    Raises:
        UserError: a task has no examples here, or is not one of XTREME's; or none is left.
    """
    benchmark = BENCHMARKS["xtreme"]
    found: list[ExampleSet] = []
    for name in tasks:
        if name not in benchmark.languages:
            raise UserError(
                f"{name!r} is no task of {benchmark.title}", remedy=", ".join(benchmark.tasks)
            )
        wanted = set(benchmark.languages[name]) & set(languages or benchmark.languages[name])
        sets = evaluation_sets(source, name, languages=None, limit=None)
        if not sets:
            raise UserError(f"the source {source.name!r} has no examples of {name}")
        for examples in sets:
            if examples.language not in wanted:
                continue
            limit = max(LEAST, round(num_asked(examples) / one_in))
            found.append(take(examples, limit, seed))
    if not found:
        raise UserError(f"the source {source.name!r} has none of these tasks in these languages")
    return found


def num_asked(examples: ExampleSet) -> int:
    """What subsets are counted in: examples, or of retrieval tasks source sentences."""
    return sum(getattr(example, "side", "source") == "source" for example in examples.examples)


class StoredSets:
    """A source of example sets in a folder, so that no side spends time on reading raw files."""

    name = "stored"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = {tuple(file.stem.split(".")): file for file in sorted(folder.glob("*.json"))}

    @classmethod
    def write(cls, folder: Path, sets: Sequence[ExampleSet]) -> "StoredSets":
        """Writes sets below a new folder."""
        for examples in sets:
            stem = f"{examples.task}.{examples.split}.{examples.language}"
            write_examples(folder / f"{stem}.json", examples)
        return cls(folder)

    def tasks(self) -> tuple[str, ...]:
        """See `Source`."""
        return tuple(dict.fromkeys(name for name, _, _ in self._files))

    def languages(self, task: str, split: str) -> tuple[str, ...]:
        """See `Source`."""
        return tuple(code for *which, code in self._files if which == [task, split])

    def load(self, task: str, split: str, language: str) -> ExampleSet:
        """See `Source`."""
        return read_examples(self._files[task, split, language])

    def identity(self) -> dict[str, object]:
        """See `Source`."""
        return {"name": self.name}


def publish_model(
    folder: Path, encoder: str, sets: Sequence[ExampleSet], options: EvaluationOptions, seed: int
) -> Path:
    """Publishes an encoder with an untrained head for each task of the sets.

    Raises:
        UserError: there is no such encoder.
    """
    bundle = load_encoder(encoder)
    tasks = tuple(dict.fromkeys(examples.task for examples in sets))
    heads = {
        spec.head: HeadSpec.of(spec)
        for spec in map(task, tasks)
        if spec.head is not None and spec.kind != "retrieval"
    }
    model = MultiTaskModel(bundle.model, heads, seed).eval()
    _centre(model, bundle, sets, options)
    phase = PhaseRecord("bench", "target", tasks, seed)
    publish(
        folder,
        dict(model.encoder.named_parameters()),
        dict(model.bank.heads.named_parameters()),
        bundle.model.config,
        bundle.tokenizer,
        Manifest(short_key([bundle.digest, tasks, seed]), "bench", bundle.name, (phase,), heads),
    )
    return folder


def _centre(
    model: MultiTaskModel,
    bundle: EncoderBundle,
    sets: Sequence[ExampleSet],
    options: EvaluationOptions,
) -> None:
    """Takes from each head's bias what its outputs are on average.

    The states of an encoder point much the same way, so that an untrained head would give every
    example the same answer: scores that agree would say nothing.
    """
    pad_id = int(bundle.tokenizer.pad_token_id)
    for examples in {task(s.task).head: s for s in reversed(sets)}.values():
        spec = task(examples.task)
        if spec.kind == "retrieval":
            continue
        some = dataclasses.replace(examples, examples=examples.examples[:_CENTRING])
        encoding = options.encoding(spec.kind, bundle.max_length)
        rows = list(encode(some, spec, bundle.tokenizer, encoding))[:_CENTRING]
        logits = model.predict({**collate(rows, spec.kind, pad_id), "head": str(spec.head)})
        head: Any = model.bank.heads[str(spec.head)]
        with torch.no_grad():
            head.output.bias -= logits.flatten(0, -2).mean(0)

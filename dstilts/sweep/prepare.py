"""From a grid to its graph: reads its examples, trims the encoder to them, keys the nodes."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dstilts.core.config import build, to_table
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.engine.data import examples_of
from dstilts.engine.phase import TaskUse
from dstilts.sweep.graph import Graph, GraphBuilder
from dstilts.sweep.grid import Grid
from dstilts.sweep.ingredients import EvaluationData, Ingredients, task_key, use_key
from dstilts.tasks.examples import ExampleSet, texts
from dstilts.tasks.leakage import Overlap, find_overlaps
from dstilts.tasks.open_source import open_source
from dstilts.tasks.source import Source

Trainings = Mapping[tuple[TaskUse, int], ExampleSet]
Evaluations = Mapping[tuple[str, int | None], Sequence[ExampleSet]]


def prepare(grid: Grid, runs: Path) -> Graph:
    """The graph of `grid` with its models below `runs`.

    What was found out of its data is kept below `runs/prepared`, under a key of the state of the
    data and of what the grid takes of them: a second call reads no examples. What training and
    evaluation sets share stands beside it, for the report.

    Raises:
        UserError: the source lacks a task, a language or a file, a file is broken, or a training
            set leaks.
    """
    ingredients = _kept(grid, runs)
    return GraphBuilder(grid, ingredients, runs / "models").build()


def _kept(grid: Grid, runs: Path) -> Ingredients:
    source = open_source(grid.data.source, grid.data.folder)
    taken = [
        sorted(use_key(use, seed) for use, seed in grid.seeded_uses()),
        grid.evaluation.languages,
        [(target.evaluate, target.limit, target.tasks) for target in grid.targets],
        *(grid.encoder, grid.trim_vocabulary, grid.allow_leaks),
    ]
    folder = runs / "prepared" / short_key([taken, source.identity()])
    kept = folder / "ingredients.json"
    if kept.is_file():
        found = build(Ingredients, read_json(kept), file=kept)
        # A trimmed encoder stands in a cache, which may have been cleared.
        if not grid.trim_vocabulary or Path(found.encoder).is_dir():
            return found
    found = _found_out(grid, source, folder)
    write_json(kept, to_table(found))
    return found


def _found_out(grid: Grid, source: Source, folder: Path) -> Ingredients:
    from dstilts.models.encoder import load_encoder
    from dstilts.models.vocabulary import trim_vocabulary

    trainings = _training_sets(grid, source)
    evaluations = _evaluation_sets(grid, source)
    sets = [found for group in evaluations.values() for found in group]
    overlaps = list(find_overlaps(list(trainings.values()), sets))
    if not grid.allow_leaks:
        _refuse_leaks(grid, overlaps)
    compared = [{**dataclasses.asdict(each), "leaks": each.leaks} for each in overlaps]
    write_json(folder / "leakage.json", compared)
    encoder = load_encoder(grid.encoder)
    if grid.trim_vocabulary:
        words = {text for examples in [*trainings.values(), *sets] for text in texts(examples)}
        trimmed = trim_vocabulary(encoder.folder, sorted(words), encoder.name)
        encoder = load_encoder(str(trimmed))
        log(f"vocabulary trimmed to {len(encoder.tokenizer)} pieces that the texts use")
    return Ingredients(
        encoder=str(encoder.folder) if grid.trim_vocabulary else grid.encoder,
        encoder_key=encoder.digest,
        training={use_key(*place): examples.digest() for place, examples in trainings.items()},
        evaluation={
            task_key(*place): EvaluationData(
                languages=tuple(examples.language for examples in group),
                digest=short_key([examples.digest() for examples in group]),
            )
            for place, group in evaluations.items()
        },
    )


def _training_sets(grid: Grid, source: Source) -> Trainings:
    """The English training set of each use of a task and seed (seeds draw different subsets)."""
    sets: dict[tuple[TaskUse, int], ExampleSet] = {}
    for use, seed in sorted(grid.seeded_uses(), key=lambda place: use_key(*place)):
        found = sets[use, seed] = examples_of(use, source, seed)
        log(f"training examples of {use.task}: {len(found)} ({found.subset or 'all'})")
    return sets


def _refuse_leaks(grid: Grid, overlaps: Sequence[Overlap]) -> None:
    """Looks at what evaluation sets share with the training sets on the way to their models.

    Raises:
        UserError: one of them leaks; the message has the worst case.
    """
    rows = {use.task for row in grid.intermediates for use in row.tasks}
    rows |= {use.task for use in grid.pretraining.tasks} if grid.pretraining else set()
    on_the_way: dict[str, set[str]] = {}
    for target in grid.targets:
        for name in target.evaluate:
            trained = rows | {use.task for use in target.tasks}
            on_the_way.setdefault(name, set()).update(trained)
    found = [
        overlap
        for overlap in overlaps
        if overlap.training in on_the_way[overlap.evaluation] and overlap.leaks
    ]
    if found:
        worst = max(found, key=lambda overlap: max(overlap.exact, overlap.runs))
        raise UserError(
            f"{worst.training} shares texts with {worst.evaluation} ({worst.split}, "
            f"{worst.language}): {worst.exact} of {worst.num_examples} examples whole, "
            f"{worst.runs} in part",
            remedy="see `dstilts tasks leakage`; take one of them out of the grid, or set "
            "allow_leaks = true",
        )


def _evaluation_sets(grid: Grid, source: Source) -> Evaluations:
    found: dict[tuple[str, int | None], Sequence[ExampleSet]] = {}
    for target in grid.targets:
        for name in target.evaluate:
            if (name, target.limit) not in found:
                found[name, target.limit] = list(_sets_of(name, target.limit, grid, source))
    return found


def _sets_of(name: str, limit: int | None, grid: Grid, source: Source) -> Iterator[ExampleSet]:
    """The examples of a task in the grid's languages.

    Raises:
        UserError: the source has none of them.
    """
    from dstilts.evaluation.plan import evaluation_sets

    languages: tuple[str, ...] | None = None
    if grid.evaluation.languages:
        there = {*source.languages(name, "dev"), *source.languages(name, "test")}
        languages = tuple(code for code in grid.evaluation.languages if code in there)
        if not languages:
            raise UserError(
                f"the source {source.name!r} has none of the grid's languages for {name}",
                remedy=f"it has: {', '.join(sorted(there)) or 'none'}",
            )
    found = evaluation_sets(source, name, languages=languages, limit=limit)
    log(f"evaluation examples of {name}: {sum(map(len, found))} in {len(found)} languages")
    if not found:
        raise UserError(f"the source {source.name!r} has no language of {name}")
    yield from found

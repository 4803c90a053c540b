"""From a grid to its graph: reads its examples, trims the encoder to them, keys the phases."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dstilts.core.config import build, to_table
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.engine.data import examples_of
from dstilts.engine.phase import TaskUse
from dstilts.sweep.graph import CODE_EPOCH, Graph, GraphBuilder
from dstilts.sweep.grid import Grid
from dstilts.tasks.examples import ExampleSet, texts
from dstilts.tasks.leakage import find_overlaps
from dstilts.tasks.open_source import open_source
from dstilts.tasks.source import Source


def prepare(grid: Grid, runs: Path) -> Graph:
    """The graph of `grid` with its models below `runs`.

    The graph is kept in `runs/graph.json` under a key of the grid and of the state of its data, so
    that a second call reads no examples.

    Raises:
        UserError: the source lacks a task, a language or a file, or a file is broken.
    """
    source = open_source(grid.data.source, grid.data.folder)
    key = short_key([to_table(grid), source.identity(), str(runs.absolute()), CODE_EPOCH])
    kept = runs / "graph.json"
    if kept.exists():
        stored = read_json(kept)
        if stored["key"] == key:
            return build(Graph, stored["graph"], file=kept)
    graph = _build(grid, source, runs)
    write_json(kept, {"key": key, "graph": to_table(graph)})
    return graph


def _build(grid: Grid, source: Source, runs: Path) -> Graph:
    from dstilts.models.encoder import load_encoder
    from dstilts.models.vocabulary import trim_vocabulary

    training = _training_sets(grid, source)
    evaluation = list(_evaluation_sets(grid, source))
    if not grid.allow_leaks:
        _refuse_leaks(grid, training, evaluation)
    encoder = load_encoder(grid.encoder)
    if grid.trim_vocabulary:
        sets = [*training.values(), *evaluation]
        words = {text for examples in sets for text in texts(examples)}
        folder = trim_vocabulary(encoder.folder, sorted(words), encoder.name)
        encoder = load_encoder(str(folder))
        log(f"vocabulary trimmed to {len(encoder.tokenizer)} pieces that the texts use")
    return GraphBuilder(
        grid,
        encoder=str(encoder.folder) if grid.trim_vocabulary else grid.encoder,
        encoder_key=encoder.digest,
        data_digests={use: examples.digest() for use, examples in training.items()},
        models=runs / "models",
    ).build()


def _training_sets(grid: Grid, source: Source) -> dict[tuple[TaskUse, int], ExampleSet]:
    """The English training set of each use of a task and seed (seeds draw different subsets)."""
    uses = grid.uses()
    sets: dict[tuple[TaskUse, int], ExampleSet] = {}
    for use in sorted(uses, key=lambda use: use.task):
        for seed in grid.seeds:
            found = sets[use, seed] = examples_of(use, source, seed)
            log(f"training examples of {use.task}: {len(found)} ({found.subset or 'all'})")
    return sets


def _refuse_leaks(
    grid: Grid,
    training: dict[tuple[TaskUse, int], ExampleSet],
    evaluation: Sequence[ExampleSet],
) -> None:
    """Compares every evaluation set with the training sets on the way to its models.

    Raises:
        UserError: one of them leaks; the message has the worst case.
    """
    rows = {use.task for row in grid.intermediates for use in row.tasks}
    on_the_way: dict[str, set[str]] = {}
    for target in grid.targets:
        for name in target.evaluate:
            trained = rows | {use.task for use in target.tasks}
            on_the_way.setdefault(name, set()).update(trained)
    found = [
        overlap
        for overlap in find_overlaps(list(training.values()), evaluation)
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


def languages_of(name: str, grid: Grid, source: Source) -> tuple[str, ...] | None:
    """The grid's languages that the source has for a task; None: the grid wants all there are.

    Raises:
        UserError: there is none of them.
    """
    if not grid.evaluation.languages:
        return None
    there = {*source.languages(name, "dev"), *source.languages(name, "test")}
    found = tuple(code for code in grid.evaluation.languages if code in there)
    if not found:
        raise UserError(
            f"the source {source.name!r} has none of the grid's languages for {name}",
            remedy=f"it has: {', '.join(sorted(there)) or 'none'}",
        )
    return found


def _evaluation_sets(grid: Grid, source: Source) -> Iterator[ExampleSet]:
    from dstilts.evaluation.plan import evaluation_sets

    for target in grid.targets:
        for name in target.evaluate:
            found = evaluation_sets(
                source, name, languages=languages_of(name, grid, source), limit=target.limit
            )
            log(f"evaluation examples of {name}: {sum(map(len, found))} in {len(found)} languages")
            if not found:
                raise UserError(f"the source {source.name!r} has no language of {name}")
            yield from found

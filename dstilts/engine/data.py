"""From the tasks of a phase to token rows, and what the manifest says of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from dstilts.core.built_once import built_once
from dstilts.core.cache import cache_folder
from dstilts.core.config import build, to_table
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.phase import BatchConfig, PhaseConfig, TaskUse
from dstilts.engine.plan import TaskRows
from dstilts.engine.rows import SetFacts, cached_rows, encode_options, head_name, open_rows
from dstilts.engine.together import work_together
from dstilts.models.heads import HeadSpec
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.contents import code_key, contents
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.open_source import open_source
from dstilts.tasks.source import Source
from dstilts.tasks.subset import take
from dstilts.tasks.tokenizer import tokenizer_digest
from dstilts.tasks.training_sets import training_set, with_labels
from dstilts.tasks.transform.apply import apply

# Part of the key of what is kept of a training set: raised when the code outside of tasks/ that
# makes it gives others.
PREPARATION_EPOCH = 1


@dataclass(frozen=True)
class PreparedTasks:
    """All that a phase needs of its training data.

    Attributes:
        rows: of each task, in the order of the configuration.
        heads: by name.
        data: what the manifest says, by task of the phase.
    """

    rows: list[TaskRows]
    heads: dict[str, HeadSpec]
    data: dict[str, object]


def prepare_tasks(
    config: PhaseConfig, tokenizer: PreTrainedTokenizerFast, group: ProcessGroup
) -> PreparedTasks:
    """The rows of all tasks of a phase, from the cache (collectives).

    Where the cache has them no example is read. Otherwise rank 0 reads and encodes them, and the
    other ranks wait as long as that takes. A task that is evaluated only (XNLI) is trained on the
    task that the catalog names (MNLI).

    Raises:
        UserError: on all ranks: an unknown task, one without training, or what the source raises.
    """

    def prepare() -> tuple[list[SetFacts], dict[str, object]]:
        source = open_source(config.data.source, config.data.folder)
        facts = [_prepared(use, source, config, tokenizer) for use in config.tasks]
        return facts, source.identity()

    found = work_together(group, prepare if group.is_main else None)[0]
    assert found is not None
    facts, source = found

    def prepare_again() -> None:
        if prepare()[0] != facts:
            raise UserError("the training data of this node are not those of the first node")

    # A node with a cache of its own prepares for itself.
    is_missing = group.local_rank == 0 and not all(each.is_cached for each in facts)
    work_together(group, prepare_again if is_missing else None)
    return PreparedTasks(
        rows=[open_rows(each, tokenizer) for each in facts],
        heads=_heads(each.spec for each in facts),
        data={
            use.task: _described(each, source)
            for use, each in zip(config.tasks, facts, strict=True)
        },
    )


def token_rows(
    sets: Sequence[ExampleSet],
    tokenizer: PreTrainedTokenizerFast,
    batch: BatchConfig,
    group: ProcessGroup,
) -> list[TaskRows]:
    """The token rows of sets that all ranks have, memory-mapped (collectives).

    Rank 0 builds what is missing in the cache.

    Raises:
        UserError: on all ranks: an example cannot be encoded, or none of a set has a label.
    """

    def cache() -> list[SetFacts]:
        return [cached_rows(examples, tokenizer, batch) for examples in sets]

    work_together(group, cache if group.is_main else None)
    # Found now, but for nodes with a cache of their own.
    return [open_rows(facts, tokenizer) for facts in cache()]


def examples_of(use: TaskUse, source: Source, seed: int) -> ExampleSet:
    """The training set of one use of a task: transformed, then cut to the wanted number.

    Raises:
        UserError: an unknown task, one without training, or what source and transformations raise.
    """
    whole = training_set(
        source, _train_task(use).name, use.languages, use.smoothing, split=use.split
    )
    return take(apply(use.transform, whole, source), use.examples, seed)


def heads_of(sets: Sequence[ExampleSet]) -> dict[str, HeadSpec]:
    """The heads of the tasks by name; tasks of the same head share it.

    Raises:
        UserError: two tasks share the name of a head but not its labels.
    """
    return _heads(with_labels(task(examples.task), examples) for examples in sets)


def _heads(specs: Iterable[TaskSpec]) -> dict[str, HeadSpec]:
    heads: dict[str, HeadSpec] = {}
    for spec in specs:
        name, head = head_name(spec), HeadSpec.of(spec)
        if heads.setdefault(name, head) != head:
            raise UserError(f"the tasks that share the head {name!r} have different labels")
    return heads


def _described(facts: SetFacts, source: dict[str, object]) -> dict[str, object]:
    return {
        "source": source,
        "train_task": facts.task,
        "split": facts.split,
        "language": facts.language,
        "subset": facts.subset,
        "num_examples": facts.num_examples,
        "digest": facts.digest,
    }


def _train_task(use: TaskUse) -> TaskSpec:
    name = task(use.task).train_task
    if name is None:
        raise UserError(f"task {use.task!r} is evaluated without training")
    return task(name)


def _prepared(
    use: TaskUse, source: Source, config: PhaseConfig, tokenizer: PreTrainedTokenizerFast
) -> SetFacts:
    """The facts of a training set whose rows are in the cache, now if not before."""
    spec = _train_task(use)
    made_from = contents(source, spec.name, use.transform)
    key = {
        "contents": made_from,
        "task": spec.name,
        "split": use.split,
        "examples": use.examples,
        # All examples are the same for every seed.
        "seed": None if use.examples is None else config.seed,
        "languages": use.languages,
        "smoothing": use.smoothing,
        "transform": use.transform,
        "tokenizer": tokenizer_digest(tokenizer),
        "options": encode_options(spec.kind, config.batch),
        "epoch": [PREPARATION_EPOCH, code_key()],
    }
    kept = cache_folder("training", short_key(key))
    if made_from is not None and kept.is_dir():
        file = built_once(kept, lambda _: None) / "facts.json"
        facts = build(SetFacts, read_json(file), file=file)
        if facts.is_cached:
            return facts
    log(f"{config.name}: reading the training set of {use.task}")
    facts = cached_rows(examples_of(use, source, config.seed), tokenizer, config.batch)
    if made_from is not None:
        if contents(source, spec.name, use.transform) != made_from:
            raise UserError(
                f"the files of {spec.name} were changed while they were read",
                remedy="start again when they are complete",
            )
        built_once(kept, lambda folder: write_json(folder / "facts.json", to_table(facts)))
    return facts

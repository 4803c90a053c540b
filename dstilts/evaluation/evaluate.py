"""The farm: every model on its tasks in every language, only what is missing, then the records."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future, as_completed
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.logs import log
from dstilts.evaluation.board import write_scores
from dstilts.evaluation.farm import ModelPlan
from dstilts.evaluation.models import ModelShelf
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest, evaluation_sets
from dstilts.evaluation.progress import Progress
from dstilts.evaluation.records import Item, RecordFolder
from dstilts.evaluation.scoring import Scoring
from dstilts.evaluation.worker import run_shard
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.source import Source
from dstilts.tasks.transform.few_shot import FewShot, held_out, without


def evaluate(
    requests: Sequence[EvaluationRequest],
    source: Source,
    output: Path,
    options: EvaluationOptions,
    executor: Executor | None,
) -> list[Path]:
    """Evaluates all models; returns the records in the order of the requests.

    What an earlier evaluation left below `output` is used: records and predictions of the same
    model, examples and options, and outputs of shards of the same plan.

    Args:
        executor: from `open_executor`; None on a rank that has served another one, for which there
            is nothing left to do.

    Raises:
        UserError: an unknown task or language, a model without the head of a task, no examples,
            examples without labels, or a broken file.
    """
    if executor is None:
        return []
    folder, shelf = RecordFolder(output), ModelShelf()
    items = _items(requests, source, options, shelf)
    missing = [item for item in items if not folder.has_record(item)]
    scoring = Scoring(folder, source.identity(), missing)
    predicted = [item for item in missing if folder.stored_predictions(item) is not None]
    scoring.score(predicted)
    plans = [
        ModelPlan(group, shelf.reader(group[0].model), folder)
        for group in _by_model([item for item in missing if item not in predicted])
    ]
    _compute(plans, executor, scoring)
    drawn = {i.model.location: folder.record_file(i).parent for i in missing if i.model.published}
    for location, records in drawn.items():
        write_scores(Path(location), records.glob("*.json"))
    return [folder.record_file(item) for item in items]


def _items(
    requests: Sequence[EvaluationRequest],
    source: Source,
    options: EvaluationOptions,
    shelf: ModelShelf,
) -> list[Item]:
    """What the requests ask for, each model, task and language once."""
    items: dict[tuple[str, str], Item] = {}
    sets = _Sets(source, options.seed)
    for request in requests:
        model = shelf.model(request.model)
        for name in request.tasks:
            model.check_serves(task(name))
            for examples, data_digest in sets.find(name, request, model.few_shot):
                item = Item(model, examples, data_digest, request.limit, options)
                other = items.setdefault((model.key, item.title), item)
                if other.identity != item.identity:
                    raise UserError(
                        f"{model.name!r} on {item.title} is asked for twice, with other examples "
                        "or another model of the same key"
                    )
    return list(items.values())


class _Sets:
    """The evaluation sets with their digests, each read once for all models."""

    def __init__(self, source: Source, seed: int) -> None:
        self._source = source
        self._seed = seed
        self._read: dict[object, list[tuple[ExampleSet, str]]] = {}

    def find(
        self, name: str, request: EvaluationRequest, few_shot: Sequence[FewShot]
    ) -> list[tuple[ExampleSet, str]]:
        """The sets without the examples that a model was trained on."""
        few_shot = tuple(options for options in few_shot if options.task == name)
        what = (name, request.languages, request.limit, request.split, few_shot)
        if what not in self._read:
            sets = evaluation_sets(
                self._source,
                name,
                languages=request.languages,
                limit=request.limit,
                split=request.split,
                seed=self._seed,
            )
            if not sets:
                wanted = f"the {request.split} split" if request.split else "dev or test"
                raise UserError(f"the source {self._source.name!r} has no {wanted} of {name}")
            for options in few_shot:
                ids = held_out(options, self._source)
                sets = [without(s, ids.get((s.split, s.language), frozenset())) for s in sets]
            self._read[what] = [(examples, examples.digest()) for examples in sets]
        return self._read[what]


def _by_model(items: Sequence[Item]) -> list[list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.model.key, []).append(item)
    return list(groups.values())


def _compute(plans: Sequence[ModelPlan], executor: Executor, scoring: Scoring) -> None:
    """Runs the missing shards of all models; merges and scores each model as it is complete."""
    waiting = {plan: len(plan.missing()) for plan in plans}
    num_shards = sum(len(plan.shards) for plan in plans)
    if plans:
        there = num_shards - sum(waiting.values())
        log(f"models to evaluate: {len(plans)}, in {num_shards} shards, of which {there} are there")
    for plan in [plan for plan, number in waiting.items() if number == 0]:
        scoring.finish(plan)
    # In the order of the models, so that a worker loads each of them once.
    running: dict[Future[int], ModelPlan] = {
        executor.submit(run_shard, shard): plan for plan in plans for shard in plan.missing()
    }
    try:
        with Progress(len(running)) as progress:
            for future in as_completed(running):
                future.result()
                progress.advance()
                plan = running[future]
                waiting[plan] -= 1
                if waiting[plan] == 0:
                    scoring.finish(plan)
    finally:
        # After a mistake or an interrupt the rest need not run; what is done is kept.
        for future in running:
            future.cancel()

"""The farm: every model on its tasks in every language, only what is missing, then the records."""

from collections.abc import Sequence
from pathlib import Path

from dstilts.core.disk import disk_error, is_disk_full
from dstilts.core.errors import IncompleteError, RunError, UserError
from dstilts.evaluation.board import write_scores
from dstilts.evaluation.compute import compute
from dstilts.evaluation.executors import Workers
from dstilts.evaluation.farm import ModelPlan
from dstilts.evaluation.models import ModelShelf
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest, evaluation_sets
from dstilts.evaluation.precision import checked
from dstilts.evaluation.records import Item, RecordFolder
from dstilts.evaluation.scoring import Scoring
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.source import Source
from dstilts.tasks.transform.few_shot import FewShot, held_out, without


def evaluate(
    requests: Sequence[EvaluationRequest],
    source: Source,
    output: Path,
    options: EvaluationOptions,
    executor: Workers | None,
    shelf: ModelShelf | None = None,
) -> list[Path]:
    """Evaluates all models; returns the records in the order of the requests.

    What an earlier evaluation left below `output` is used: records and predictions of the same
    model, examples and options, and outputs of shards of the same plan. Evaluations at work on the
    same folder at the same time share what they find there.

    Args:
        executor: from `open_executor`; None on a rank that has served another one, for which there
            is nothing left to do.
        shelf: that has described the models before.

    Raises:
        UserError: an unknown task or language, a model without the head of a task, no examples,
            examples without labels, or a broken file.
        IncompleteError: shards were given up; the records of all else are written.
        RunError: a disk is full, or workers cannot work; what was computed is kept.
    """
    if executor is None:
        return []
    folder, shelf = RecordFolder(output), shelf or ModelShelf()
    items = _items(requests, source, options, shelf)
    try:
        items = checked(items, folder, shelf)
        _complete(items, folder, shelf, source, executor)
    except Exception as error:
        # Libraries that write by themselves raise types of their own.
        if not is_disk_full(error):
            raise
        raise RunError(
            f"{disk_error(error, output)}: what was computed before is kept: make room and start "
            "again"
        ) from None
    return [folder.record_file(item) for item in items]


def _complete(
    items: Sequence[Item],
    folder: RecordFolder,
    shelf: ModelShelf,
    source: Source,
    workers: Workers,
) -> None:
    """Computes, scores and draws what is missing."""
    missing = [item for item in items if not folder.has_record(item)]
    scoring = Scoring(folder, source.identity(), missing)
    predicted = [item for item in missing if folder.stored_predictions(item) is not None]
    scoring.score(predicted)
    unknown = [item for item in missing if item not in predicted]
    plans = [
        _plan(group, _by_model(items)[key], shelf, folder, workers)
        for key, group in _by_model(unknown).items()
    ]
    failures = compute(plans, workers, scoring, folder) if plans else []
    drawn = {i.model.location: folder.record_file(i).parent for i in missing if i.model.published}
    for location, records in drawn.items():
        write_scores(Path(location), records.glob("*.json"))
    if failures:
        raise IncompleteError(
            f"{'; '.join(failures)}; everything else is done: start again for the rest"
        )


def _plan(
    missing: Sequence[Item],
    items: Sequence[Item],
    shelf: ModelShelf,
    folder: RecordFolder,
    workers: Workers,
) -> ModelPlan:
    """The plan of a model's missing items, as a part of one of all items where that was begun."""
    reader = shelf.reader(missing[0].model)
    if len(missing) < len(items):
        whole = ModelPlan(items, reader, folder, workers.threads)
        if whole.is_begun:
            whole.cut()
            return whole.only(missing)
    plan = ModelPlan(missing, reader, folder, workers.threads)
    plan.cut()
    return plan


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


def _by_model(items: Sequence[Item]) -> dict[tuple[str, str], list[Item]]:
    """By model and precision, which may differ between the tasks of one."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.model.key, item.options.precision), []).append(item)
    return groups

"""From predictions to records, submission files, TensorBoard scalars and a line for each task."""

from collections.abc import Mapping, Sequence

import numpy as np

from dstilts.core.logs import log
from dstilts.evaluation.board import draw_image
from dstilts.evaluation.farm import ModelPlan
from dstilts.evaluation.records import Item, RecordFolder
from dstilts.evaluation.score_files import store_scores
from dstilts.tasks.catalog import task
from dstilts.tasks.metrics.bootstrap import interval
from dstilts.tasks.metrics.chance import chance
from dstilts.tasks.metrics.example_scores import example_scores
from dstilts.tasks.metrics.score import score
from dstilts.tasks.submission.write import is_written, write_labels, write_submission

Metrics = Mapping[str, float]


class Scoring:
    """Scores what is predicted and writes its records.

    Args:
        source: the identity of the source of the examples.
        items: all that will be scored.

    Raises:
        UserError: an example has no label: found out before anything is computed.
    """

    def __init__(
        self, folder: RecordFolder, source: Mapping[str, object], items: Sequence[Item]
    ) -> None:
        self._folder = folder
        self._source = source
        # Models share example sets, and the level of chance is not the model's.
        self._chance = {
            item.data_digest: chance(task(item.examples.task), item.examples)
            for item in {item.data_digest: item for item in items}.values()
        }

    def finish(self, plan: ModelPlan) -> None:
        """Merges, stores and scores the predictions of a model whose shards are all there."""
        for item, (predictions, layers) in zip(plan.items, plan.merged(), strict=True):
            self._folder.write_predictions(item, predictions, layers)
        self.score(plan.items)
        plan.clean()

    def score(self, items: Sequence[Item]) -> None:
        """Writes the records of items whose predictions are stored."""
        groups: dict[tuple[str, str], list[Item]] = {}
        for item in items:
            groups.setdefault((item.model.key, item.examples.task), []).append(item)
        for group in groups.values():
            metrics = [self._record(item) for item in group]
            if not group[0].model.published:
                self._show(group, metrics)
            _say(group, metrics, [self._chance[item.data_digest] for item in group])

    def _record(self, item: Item) -> Metrics:
        predictions = self._folder.stored_predictions(item)
        assert predictions is not None
        spec = task(item.examples.task)
        metrics = score(spec, item.examples, predictions)
        scores = example_scores(spec, item.examples, predictions)
        ends = interval(scores, item.title)
        if is_written(spec):
            folder = self._folder.submission(item.model)
            write_submission(folder / "predictions", spec, item.examples, predictions)
            write_labels(folder / "labels", spec, item.examples)
        # Before the record, whose presence says that all is there.
        store_scores(self._folder.scores_file(item), scores, item.identity)
        self._folder.write_record(item, self._source, metrics, self._chance[item.data_digest], ends)
        if (layers := self._folder.stored_layers(item)) is not None:
            log(f"{item.model.name}: {spec.name} in {item.examples.language}: {layers.words()}")
        return metrics

    def _show(self, items: Sequence[Item], scores: Sequence[Metrics]) -> None:
        """On TensorBoard; published models have theirs beside their training."""
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(self._folder.board(items[0].model)) as board:
            for item, metrics in zip(items, scores, strict=True):
                for name, value in metrics.items():
                    tag = f"score/{item.examples.task}/{name}/{item.examples.language}"
                    board.add_scalar(tag, value, 0)
            draw_image(board, self._folder.record_file(items[0]).parent.glob("*.json"))


def _say(items: Sequence[Item], scores: Sequence[Metrics], levels: Sequence[Metrics]) -> None:
    """One line: the mean over the languages and the best and worst of them."""
    spec = task(items[0].examples.task)
    values = {
        item.examples.language: metrics[spec.main_metric]
        for item, metrics in zip(items, scores, strict=True)
    }
    worst, best = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    known = [found[spec.main_metric] for found in levels if spec.main_metric in found]
    level = f"; chance {np.mean(known):.1f}" if known else ""
    log(
        f"{items[0].model.name}: {spec.name} {spec.main_metric} "
        f"{np.mean(list(values.values())):.1f} over {len(values)} languages "
        f"({worst} {values[worst]:.1f} to {best} {values[best]:.1f}{level})"
    )

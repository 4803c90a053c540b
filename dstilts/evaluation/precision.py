"""Whether a model predicts in a lower precision what it predicts in fp32: measured on a sample.

On a CPU only where it does is the lower precision used. A GPU runs bf16 as it was trained.
"""

import dataclasses
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from dstilts.core.digest import short_key
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.evaluation.farm import ModelPlan
from dstilts.evaluation.models import ModelShelf
from dstilts.evaluation.plan import EVALUATION_VERSION
from dstilts.evaluation.records import Item, PrecisionCheck, RecordFolder
from dstilts.evaluation.worker import release, run_shard
from dstilts.tasks.catalog import task
from dstilts.tasks.metrics.score import THRESHOLD, Prediction
from dstilts.tasks.subset import take

SAMPLE = 64  # examples of a task, over its languages; of a retrieval task pairs of one language
LEAST = 0.98  # the share of equal predictions from which the lower precision is used

Predictions = Mapping[str, Any]
_Counts = tuple[float, float]  # equal predictions, and all


def checked(items: Sequence[Item], folder: RecordFolder, shelf: ModelShelf) -> list[Item]:
    """The items in the precision they are to be evaluated in, with what was measured of it.

    Decided for each model and task; what an earlier start measured is used again.
    """
    if torch.cuda.is_available():
        return list(items)
    by_model: dict[str, dict[str, list[Item]]] = {}
    for item in items:
        if item.options.precision != "fp32":
            by_task = by_model.setdefault(item.model.key, {})
            by_task.setdefault(item.examples.task, []).append(item)
    checks = {
        (key, name): check
        for key, by_task in by_model.items()
        for name, check in _checks(by_task, folder, shelf).items()
    }
    return [_decided(item, checks.get((item.model.key, item.examples.task))) for item in items]


def _decided(item: Item, check: PrecisionCheck | None) -> Item:
    if check is None:
        return item
    options = item.options
    if not check.passed:
        options = dataclasses.replace(options, precision="fp32")
    return dataclasses.replace(item, options=options, check=check)


def _checks(
    by_task: Mapping[str, Sequence[Item]], folder: RecordFolder, shelf: ModelShelf
) -> dict[str, PrecisionCheck]:
    """Of one model by task; what is not there yet is measured in one go."""
    samples = {name: _sample(items) for name, items in by_task.items()}
    files = {
        name: folder.precision_file(sample[0].model, name, sample[0].options.precision)
        for name, sample in samples.items()
    }
    missing = {name: s for name, s in samples.items() if _stored(files[name], s) is None}
    for name, check in _measured(missing, shelf).items():
        table = {"key": _key(missing[name]), "check": dataclasses.asdict(check)}
        write_json(files[name], table)
    checks: dict[str, PrecisionCheck] = {}
    for name, sample in samples.items():
        found = _stored(files[name], sample)
        assert found is not None, "it was just written"
        checks[name] = found
        _say(sample[0].model.name, name, found)
    return checks


def _stored(file: Path, sample: Sequence[Item]) -> PrecisionCheck | None:
    """What an earlier start measured on the same sample."""
    if not file.is_file():
        return None
    table = read_json(file)
    return PrecisionCheck(**table["check"]) if table.get("key") == _key(sample) else None


def _key(sample: Sequence[Item]) -> str:
    """Of all that a check is a function of."""
    first = sample[0]
    recorded = first.options.recorded(task(first.examples.task))
    about = [EVALUATION_VERSION, torch.__version__, first.model.digest, LEAST]
    return short_key([*about, recorded, [item.data_digest for item in sample]])


def _say(model: str, name: str, check: PrecisionCheck) -> None:
    words = "used" if check.passed else f"fewer than the {check.least:.0%} asked for: fp32 is used"
    log(
        f"{model}: {name} in {check.asked}: {check.agreement:.1%} of {check.num_compared} "
        f"predictions are those of fp32, {words}"
    )


def _sample(items: Sequence[Item]) -> list[Item]:
    """A fixed part of each set; of neighbours, which mean little among few, one set alone."""
    is_retrieval = task(items[0].examples.task).kind == "retrieval"
    chosen = items[:1] if is_retrieval else items
    found = []
    for item in chosen:
        part = take(item.examples, math.ceil(SAMPLE / len(chosen)), item.options.seed)
        found.append(dataclasses.replace(item, examples=part, data_digest=part.digest()))
    return found


def _measured(
    samples: Mapping[str, Sequence[Item]], shelf: ModelShelf
) -> dict[str, PrecisionCheck]:
    """The share of predictions of each task that are those of fp32."""
    items = [item for sample in samples.values() for item in sample]
    if not items:
        return {}
    options = dataclasses.replace(items[0].options, precision="fp32")
    exact = _predicted([dataclasses.replace(item, options=options) for item in items], shelf)
    lower = _predicted(items, shelf)
    release()  # the workers load the model again, and this process may be none of them
    counts: dict[str, list[_Counts]] = {name: [] for name in samples}
    for item, one, other in zip(items, exact, lower, strict=True):
        spec = task(item.examples.task)
        equal = _EQUAL.get(spec.protocol or spec.kind, _same)
        counts[spec.name].append(equal(one, other))
    sums = {name: [sum(column) for column in zip(*c, strict=True)] for name, c in counts.items()}
    asked = items[0].options.precision
    return {
        name: PrecisionCheck(asked, hits / total if total else 1.0, int(total), LEAST)
        for name, (hits, total) in sums.items()
    }


def _predicted(items: Sequence[Item], shelf: ModelShelf) -> list[dict[str, Prediction]]:
    with tempfile.TemporaryDirectory(prefix="dstilts-precision-") as temporary:
        reader = shelf.reader(items[0].model)
        plan = ModelPlan(items, reader, RecordFolder(Path(temporary)), torch.get_num_threads())
        plan.cut()
        for shard in plan.shards:
            run_shard(shard)
        return [predictions for predictions, _ in plan.merged()]


def _same(one: Predictions, other: Predictions) -> _Counts:
    return sum(one[name] == other[name] for name in one), len(one)


def _same_texts(one: Predictions, other: Predictions) -> _Counts:
    """Answers, without the score of "no answer" where a task has that."""
    texts = [{n: p if isinstance(p, str) else p[0] for n, p in p.items()} for p in (one, other)]
    return _same(*texts)


def _same_tags(one: Predictions, other: Predictions) -> _Counts:
    pairs = [pair for name in one for pair in zip(one[name], other[name], strict=True)]
    return sum(a == b for a, b in pairs), len(pairs)


def _same_pairs(one: Predictions, other: Predictions) -> _Counts:
    """Mined pairs, before the threshold: of all that either found."""
    found = [{(n, p[0]) for n, p in p.items() if n != THRESHOLD} for p in (one, other)]
    return len(found[0] & found[1]), max(1, len(found[0] | found[1]))


def _same_first(one: Predictions, other: Predictions) -> _Counts:
    return sum(one[name][:1] == other[name][:1] for name in one), len(one)


def _same_words(one: Predictions, other: Predictions) -> _Counts:
    """Masked words: which are right is not kept, how many of each text are is."""
    total = sum(count for _, count, _ in one.values())
    return total - sum(abs(one[name][2] - other[name][2]) for name in one), total


_EQUAL: Mapping[str, Callable[[Predictions, Predictions], _Counts]] = {
    "span": _same_texts,
    "tagging": _same_tags,
    "mining": _same_pairs,
    "ranking": _same_first,
    "mlm": _same_words,
}

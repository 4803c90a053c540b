"""From the outputs of all shards to one prediction for each example, exactly."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dstilts.evaluation.outputs import Arrays
from dstilts.evaluation.shard_file import same_units, units_in
from dstilts.evaluation.shards import Units, column
from dstilts.retrieval.bucc import mine_translations
from dstilts.retrieval.ranking import ranked_candidates
from dstilts.retrieval.tatoeba import nearest_sentences
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import ExampleSet, SentenceExample, SpanExample, TaggingExample
from dstilts.tasks.metrics import mining
from dstilts.tasks.metrics.score import THRESHOLD, Prediction

# (number of sentences, 2): the table and the row where each sentence's text was encoded.
Places = npt.NDArray[np.int32]


class MergeError(Exception):
    """Outputs are missing, or are there twice: the shards are not those of the plan."""


@dataclass(frozen=True)
class PlannedSet:
    """An example set, its token table and the number of that table in the plan."""

    spec: TaskSpec
    examples: ExampleSet
    number: int
    table: Any
    places: Places | None = None  # retrieval only


def join_outputs(outputs: Iterable[Mapping[int, Arrays]], units: Units) -> dict[int, Arrays]:
    """The outputs of shards by table, in whatever order the shards have them.

    Args:
        units: all that the shards are of.

    Raises:
        MergeError: the outputs are not of exactly these.
    """
    parts: dict[int, list[Arrays]] = {}
    for tables in outputs:
        for number, arrays in tables.items():
            parts.setdefault(number, []).append(arrays)
    found = {
        number: {name: np.concatenate([part[name] for part in arrays]) for name in arrays[0]}
        for number, arrays in parts.items()
    }
    have = units_in(found)
    if not same_units(have, units):
        raise MergeError(f"the shards have outputs of {len(have)} units, the plan {len(units)}")
    return found


def predictions(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    """One prediction for each example of a set, in the order of the examples.

    Of retrieval: nearest sentences for both sides, the ranked candidates of the sources alone, the
    mined pairs by their sources with the threshold under "threshold".

    Raises:
        MergeError: an example, or a word of one, has none or two.
    """
    merge: Callable[[PlannedSet, Mapping[int, Arrays]], dict[str, Prediction]]
    merge = _MERGES[planned.spec.protocol or planned.spec.kind]
    merged = merge(planned, found)
    if planned.spec.protocol == "mining":
        return merged  # not every sentence has a translation
    examples: Any = planned.examples.examples
    is_ranking = planned.spec.protocol == "ranking"
    ids = [e.id for e in examples if not is_ranking or e.side == "source"]
    if merged.keys() != set(ids) or len(ids) != len(merged):
        raise MergeError(f"{len(merged)} predictions for {len(ids)} examples")
    return {name: merged[name] for name in ids}


def _pairs(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    arrays, examples = found[planned.number], planned.examples.examples
    labels = planned.spec.labels
    return {
        examples[row].id: labels[label]
        for row, label in zip(arrays["row"], arrays["label"], strict=True)
    }


def _choices(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    """The choice of the highest score; of equal ones the first."""
    arrays, examples = found[planned.number], planned.examples.examples
    # By row, then from the best score down, then by choice: the first of each row is its answer.
    order = np.lexsort((arrays["choice"], -arrays["score"], arrays["row"]))
    rows, first = np.unique(arrays["row"][order], return_index=True)
    chosen = arrays["choice"][order][first]
    return {examples[row].id: int(choice) for row, choice in zip(rows, chosen, strict=True)}


def _spans(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    """The best span of all windows of a question, cut from its own context."""
    arrays = found[planned.number]
    owners = _owners(planned, arrays)
    # Of windows with equal scores the first one.
    order = np.lexsort((arrays["row"], -arrays["score"], owners))
    indices, first = np.unique(owners[order], return_index=True)
    none = np.full(len(planned.examples), np.inf, dtype=np.float32)
    np.minimum.at(none, owners, arrays["none"])
    texts: dict[str, Prediction] = {}
    for index, best in zip(indices, order[first], strict=True):
        example = planned.examples.examples[index]
        assert isinstance(example, SpanExample)
        text = example.context[arrays["start"][best] : arrays["end"][best]]
        if planned.spec.has_no_answer:
            texts[example.id] = [text, float(none[index] - arrays["score"][best])]
        else:
            texts[example.id] = text
    return texts


def _tags(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    """The tags of each sentence's words, joined from the rows it was split into."""
    arrays = found[planned.number]
    owners = np.repeat(_owners(planned, arrays), arrays["count"])
    labels = planned.spec.labels
    order = np.lexsort((arrays["word"], owners))
    words, tags = arrays["word"][order], arrays["tag"][order]
    borders = np.searchsorted(owners[order], np.arange(len(planned.examples) + 1))
    joined: dict[str, Prediction] = {}
    for index, example in enumerate(planned.examples.examples):
        assert isinstance(example, TaggingExample)
        part = slice(borders[index], borders[index + 1])
        if not np.array_equal(words[part], np.arange(len(example.words))):
            raise MergeError(f"not each word of example {example.id!r} has one prediction")
        joined[example.id] = [labels[tag] for tag in tags[part]]
    return joined


def _owners(planned: PlannedSet, arrays: Arrays) -> npt.NDArray[np.int64]:
    """For each unit the index of its example."""
    return column(planned.table, "example")[arrays["row"]]


def _neighbours(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    """For each sentence the nearest one of the other side."""
    sentences = [e for e in planned.examples.examples if isinstance(e, SentenceExample)]
    return {**nearest_sentences(sentences, _vectors(planned, found))}


def _mined(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    """The mined pairs of all margins, and the threshold: the best one on the dev set, if there is
    one beside the set, and else on the set itself.
    """
    sentences = [e for e in planned.examples.examples if isinstance(e, SentenceExample)]
    dev = [e for e in planned.examples.calibration if isinstance(e, SentenceExample)]
    vectors = _vectors(planned, found)
    pairs = mine_translations(sentences, vectors[: len(sentences)])
    tuning = mine_translations(dev, vectors[len(sentences) :]) if dev else pairs
    threshold = mining.best_threshold(dev or sentences, tuning)
    return {**{source: list(pair) for source, pair in pairs.items()}, THRESHOLD: threshold}


def _ranked(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    """For each question the best candidates of the pool."""
    sentences = [e for e in planned.examples.examples if isinstance(e, SentenceExample)]
    return {**ranked_candidates(sentences, _vectors(planned, found), planned.spec.similarity)}


def _masked(planned: PlannedSet, found: Mapping[int, Arrays]) -> dict[str, Prediction]:
    """For each text the summed negative log likelihood, the masked tokens and the right ones."""
    arrays, examples = found[planned.number], planned.examples.examples
    columns = (arrays["row"], arrays["nll"], arrays["count"], arrays["right"])
    return {
        examples[row].id: [float(nll), int(count), int(right)]
        for row, nll, count, right in zip(*columns, strict=True)
    }


def _vectors(planned: PlannedSet, found: Mapping[int, Arrays]) -> torch.Tensor:
    """The vectors of a set's texts, each text encoded once for all languages."""
    assert planned.places is not None
    tables, rows = planned.places.T
    shape = found[int(tables[0])]["vector"].shape[1:]
    vectors = np.empty((len(rows), *shape), dtype=np.float32)
    for table in np.unique(tables):
        arrays, mine = found[int(table)], tables == table
        order = np.argsort(arrays["row"])
        places = np.searchsorted(arrays["row"], rows[mine], sorter=order)
        vectors[mine] = arrays["vector"][order[places]]
    return torch.from_numpy(vectors)


_MERGES: dict[str, Any] = {
    "pair": _pairs,
    "choice": _choices,
    "span": _spans,
    "tagging": _tags,
    "nearest": _neighbours,
    "mining": _mined,
    "ranking": _ranked,
    "mlm": _masked,
}

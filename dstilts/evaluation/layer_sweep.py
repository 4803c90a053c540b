"""All layers of a retrieval task: each is scored, and the one that is best on dev is reported."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from dstilts.evaluation.merge import PlannedSet, predictions
from dstilts.evaluation.outputs import Arrays
from dstilts.tasks.metrics.score import Prediction, score


@dataclass(frozen=True)
class LayerSweep:
    """How the layers of an encoder compare on one set.

    Attributes:
        metric: of the scores.
        split: that the scores are of.
        scores: of each layer, from the embeddings on.
        chosen: the layer of the best score, of equal ones the highest; None where the scores are
            not of a dev set, so that a choice would be made on what is reported.
        reported: the layer of the predictions: the chosen one, or else the last.
    """

    metric: str
    split: str
    scores: tuple[float, ...]
    chosen: int | None
    reported: int

    def words(self) -> str:
        """The sweep as a line."""
        values = ", ".join(f"{layer} {value:.1f}" for layer, value in enumerate(self.scores))
        of = f"{self.metric} on {self.split} by layer: {values}"
        if self.chosen is None:
            return f"no dev set to choose a layer on, so {self.reported}, the last, stands; {of}"
        return f"layer {self.chosen} is taken; {of}"


def best_layer(
    planned: PlannedSet, found: Mapping[int, Arrays]
) -> tuple[dict[str, Prediction], LayerSweep | None]:
    """The predictions of a set; of vectors of all layers those of the layer that is reported.

    Raises:
        MergeError: as `predictions`.
        UserError: the set that layers are compared on has no labels.
    """
    vectors = found[int(planned.places[0, 0])]["vector"] if planned.places is not None else None
    if vectors is None or vectors.ndim == 2:
        return predictions(planned, found), None
    dev = _dev_set(planned)
    compared = planned if dev is None else dev
    layers = [_of_layer(found, layer) for layer in range(vectors.shape[1])]
    metric = planned.spec.main_metric
    scores = tuple(
        score(planned.spec, compared.examples, predictions(compared, layer))[metric]
        for layer in layers
    )
    best = max(range(len(scores)), key=lambda layer: (scores[layer], layer))
    chosen = None if dev is None else best
    reported = len(layers) - 1 if chosen is None else chosen
    sweep = LayerSweep(metric, compared.examples.split, scores, chosen, reported)
    return predictions(planned, layers[reported]), sweep


def _dev_set(planned: PlannedSet) -> PlannedSet | None:
    """What a layer may be chosen on: the dev set beside a test set, or the set if it is one."""
    examples, places = planned.examples, planned.places
    if examples.split == "dev":
        return planned
    if not examples.calibration or places is None:
        return None
    dev = dataclasses.replace(examples, split="dev", examples=examples.calibration, calibration=())
    return dataclasses.replace(planned, examples=dev, places=places[len(examples) :])


def _of_layer(found: Mapping[int, Arrays], layer: int) -> dict[int, Arrays]:
    """The outputs with the vectors of one layer; those of one layer already stay as they are."""
    chosen = {}
    for table, arrays in found.items():
        chosen[table] = dict(arrays)
        if "vector" in arrays and arrays["vector"].ndim == 3:
            chosen[table]["vector"] = arrays["vector"][:, layer]
    return chosen

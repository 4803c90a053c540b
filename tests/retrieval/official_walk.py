"""BUCC 2018 as the official scripts do it, written as plain loops: the oracle of the tests.

Vectors are searched by numpy in float64; every step of the walk is a loop over Python objects.
"""

import numpy as np
import numpy.typing as npt

Found = list[tuple[float, str, str]]  # score, source text, target text; best first


def neighbours(
    queries: npt.NDArray[np.float64], corpus: npt.NDArray[np.float64], k: int
) -> list[list[tuple[float, int]]]:
    """For each query its k best (cosine, row); of equal cosines the lower row first."""
    found = []
    for query in queries:
        scores = []
        for row, vector in enumerate(corpus):
            cosine = float(query @ vector) / float(np.linalg.norm(query) * np.linalg.norm(vector))
            scores.append((float(np.float32(cosine)), row))
        found.append(sorted(scores, key=lambda item: (-item[0], item[1]))[:k])
    return found


def margin(kind: str, a: float, b: float) -> float:
    return {"ratio": a / b, "distance": a - b, "absolute": a}[kind]


def mine(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    k: int,
    kind: str = "ratio",
    strategy: str = "max",
) -> list[tuple[float, int, int]]:
    """Pairs (score, row of x, row of y), best first."""
    x2y, y2x = neighbours(x, y, k), neighbours(y, x, k)
    fwd_mean = [float(np.mean([score for score, _ in row])) for row in x2y]
    bwd_mean = [float(np.mean([score for score, _ in row])) for row in y2x]
    forward, backward = [], []
    for i, row in enumerate(x2y):
        scored = [(margin(kind, a, (fwd_mean[i] + bwd_mean[j]) / 2), j) for a, j in row]
        best = max(scored, key=lambda item: item[0])  # the first of equal ones
        forward.append((best[0], i, best[1]))
    for j, row in enumerate(y2x):
        scored = [(margin(kind, a, (bwd_mean[j] + fwd_mean[i]) / 2), i) for a, i in row]
        best = max(scored, key=lambda item: item[0])
        backward.append((best[0], best[1], j))
    if strategy == "forward":
        return sorted(forward, key=lambda pair: -pair[0])
    if strategy == "backward":
        return sorted(backward, key=lambda pair: -pair[0])
    if strategy == "intersect":
        mutual = [pair for pair in forward if backward[pair[2]][1] == pair[1]]
        return sorted(mutual, key=lambda pair: -pair[0])
    return greedy(sorted(forward + backward, key=lambda pair: -pair[0]))


def greedy(pairs: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    """The walk of "max" down sorted pairs."""
    seen_x, seen_y, taken = set(), set(), []
    for score, i, j in pairs:
        if i not in seen_x and j not in seen_y:
            seen_x.add(i)
            seen_y.add(j)
            if score > 0:
                taken.append((score, i, j))
    return taken


def unify(texts: list[str]) -> tuple[list[str], list[int]]:
    """The distinct texts in order of appearance, and for each the last row it stands on."""
    order: list[str] = []
    last: dict[str, int] = {}
    for row, text in enumerate(texts):
        if text not in last:
            order.append(text)
        last[text] = row
    return order, [last[text] for text in order]


def text_ids(texts: list[str], ids: list[str]) -> dict[str, str]:
    """The id of each text that stands once."""
    return {text: name for text, name in zip(texts, ids, strict=True) if texts.count(text) == 1}


def candidates(
    source: tuple[list[str], list[str], npt.NDArray[np.float64]],
    target: tuple[list[str], list[str], npt.NDArray[np.float64]],
    k: int,
    kind: str = "ratio",
    strategy: str = "max",
) -> dict[tuple[str, str], float]:
    """The pairs of ids with their scores, from (ids, texts, vectors) of both sides."""
    (source_ids, source_texts, x), (target_ids, target_texts, y) = source, target
    source_order, source_rows = unify(source_texts)
    target_order, target_rows = unify(target_texts)
    found: dict[tuple[str, str], float] = {}
    source_names = text_ids(source_texts, source_ids)
    target_names = text_ids(target_texts, target_ids)
    for score, i, j in mine(x[source_rows], y[target_rows], k, kind, strategy):
        one, other = source_order[i], target_order[j]
        if one in source_names and other in target_names:
            pair = (source_names[one], target_names[other])
            found[pair] = max(score, found.get(pair, -np.inf))
    return found


def optimize(found: dict[tuple[str, str], float], gold: set[tuple[str, str]]) -> float:
    """The threshold of the best prefix; as the official one, an IndexError at the last pair."""
    items = sorted(found.items(), key=lambda item: -item[1])
    threshold = best = 0.0
    right = 0
    for number, (pair, score) in enumerate(items, start=1):
        if pair in gold:
            right += 1
        if right > 0:
            precision, recall = right / number, right / len(gold)
            f1 = 2 * precision * recall / (precision + recall)
            if f1 > best:
                best = f1
                threshold = (score + items[number][1]) / 2
    return threshold


def scores(
    found: dict[tuple[str, str], float], gold: set[tuple[str, str]], threshold: float
) -> tuple[float, float, float]:
    """Precision, recall and F1 in per cent of the pairs from the threshold on."""
    taken = {pair for pair, score in found.items() if score >= threshold}
    right = len(taken & gold)
    if not right:
        return 0.0, 0.0, 0.0
    precision, recall = right / len(taken), right / len(gold)
    return 100 * precision, 100 * recall, 100 * 2 * precision * recall / (precision + recall)

"""Greedy matching: from the best pair down, each is taken whose two rows are both free."""

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

# Pairs that are left after so many rounds stand in chains, each waiting for the one before.
_ROUNDS = 32


def greedy_matching(sources: Indices, targets: Indices) -> Indices:
    """The numbers of the pairs that a walk from the first to the last pair takes, ascending.

    In rounds: a pair that is the first of all that are left for both of its rows is taken by the
    walk, whatever comes before it; what shares a row with it is not. Most pairs go in a few rounds.

    Args:
        sources, targets: the rows of each pair, the best pair first.
    """
    taken = [np.empty(0, dtype=np.int64)]
    left = np.arange(len(sources))
    used_S = np.zeros(int(sources.max(initial=-1)) + 1, dtype=bool)
    used_T = np.zeros(int(targets.max(initial=-1)) + 1, dtype=bool)
    first_S, first_T = np.empty(len(used_S), np.int64), np.empty(len(used_T), np.int64)
    for _ in range(_ROUNDS):
        if not len(left):
            break
        # Of several values for one place numpy keeps the last: here the first pair's.
        first_S[sources[left[::-1]]] = left[::-1]
        first_T[targets[left[::-1]]] = left[::-1]
        best = left[(first_S[sources[left]] == left) & (first_T[targets[left]] == left)]
        used_S[sources[best]] = used_T[targets[best]] = True
        taken.append(best)
        left = left[~(used_S[sources[left]] | used_T[targets[left]])]
    taken.append(_walk(left, sources, targets))
    return np.sort(np.concatenate(taken))


def _walk(left: Indices, sources: Indices, targets: Indices) -> Indices:
    """What the walk takes of pairs none of whose rows is used yet."""
    used_S: set[int] = set()
    used_T: set[int] = set()
    taken = []
    for pair, source, target in zip(
        left.tolist(), sources[left].tolist(), targets[left].tolist(), strict=True
    ):
        if source not in used_S and target not in used_T:
            used_S.add(source)
            used_T.add(target)
            taken.append(pair)
    return np.array(taken, dtype=np.int64)

"""From logits to what is kept of them: labels, choice scores, best spans, tags.

Shapes: B units of one table, T tokens, L labels, N tokens of a context.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.tasks.encode_tagging import NO_WORD
from dstilts.tasks.examples import Kind

Arrays = dict[str, npt.NDArray[Any]]
Columns = Mapping[str, Sequence[Any]]

MAX_ANSWER_TOKENS = 30  # as in the scripts of SQuAD and XTREME


def outputs(kind: Kind, logits: npt.NDArray[np.float32], columns: Columns) -> Arrays:
    """What is kept of the units of one table.

    pair `label` (B,); choice `score` (B,), one unit a choice; span `score`, `start` and `end` (B,):
    of the window's best answer, in characters of the context; tagging `count` (B,), the labelled
    words of each row, and one after another `word` (index in its sentence) and `tag`. Of span also
    `none` (B,), the score of the first token, which stands for "no answer" where a task has that.

    Args:
        logits: of the head, fp32: pair (B, L), choice (B, 1), span (B, T, 2), tagging (B, T, L).
        columns: the token table's columns for the same units.
    """
    match kind:
        case "pair":
            return {"label": logits.argmax(-1).astype(np.int32)}
        case "choice":
            return {"score": logits[:, 0]}
        case "span":
            return _spans(logits, columns)
        case "tagging":
            return _tags(logits, columns)
        case "retrieval" | "mlm":
            raise ValueError(f"{kind} is not predicted from logits of units")


def best_span(
    start_N: npt.NDArray[np.float32],
    end_N: npt.NDArray[np.float32],
    first_chars: npt.NDArray[np.int64],
    last_chars: npt.NDArray[np.int64],
) -> tuple[float, int, int]:
    """The score of the best span of a window's context, and its first and last token.

    The largest sum of both logits over all spans of at most MAX_ANSWER_TOKENS tokens that hold any
    text; of equal ones the first and shortest. A deviation from the official scripts, which look at
    the 20 best starts and ends only and so now and then find no span, and which prefer the window
    that shows more of a token's surroundings.

    Args:
        first_chars, last_chars: where in the context each token begins and ends.
    """
    num_tokens = len(start_N)
    reach = min(MAX_ANSWER_TOKENS, num_tokens)
    ends = np.arange(num_tokens)[:, None] + np.arange(reach)
    inside = ends < num_tokens
    ends = np.minimum(ends, num_tokens - 1)
    allowed = inside & (first_chars[:, None] < last_chars[ends])
    scores = np.where(allowed, start_N[:, None] + end_N[ends], -np.inf)
    first, length = divmod(int(scores.argmax()), reach)
    return float(scores[first, length]), first, int(ends[first, length])


def _spans(logits_BT2: npt.NDArray[np.float32], columns: Columns) -> Arrays:
    scores, starts, ends = [], [], []
    for index, logits_T2 in enumerate(logits_BT2):
        first_chars = np.asarray(columns["char_starts"][index], dtype=np.int64)
        last_chars = np.asarray(columns["char_ends"][index], dtype=np.int64)
        first = columns["context_start"][index]
        context_N2 = logits_T2[first : first + len(first_chars)]
        score, start, end = best_span(context_N2[:, 0], context_N2[:, 1], first_chars, last_chars)
        scores.append(score)
        starts.append(first_chars[start])
        ends.append(last_chars[end])
    return {
        "score": np.array(scores, dtype=np.float32),
        "start": np.array(starts, dtype=np.int32),
        "end": np.array(ends, dtype=np.int32),
        "none": logits_BT2[:, 0].sum(-1),
    }


def _tags(logits_BTL: npt.NDArray[np.float32], columns: Columns) -> Arrays:
    best_BT = logits_BTL.argmax(-1)
    counts, words, tags = [], [], []
    for index, row in enumerate(columns["word_index"]):
        positions = np.flatnonzero(np.asarray(row) != NO_WORD)
        counts.append(len(positions))
        words.append(np.asarray(row)[positions])
        tags.append(best_BT[index, positions])
    return {
        "count": np.array(counts, dtype=np.int32),
        "word": np.concatenate(words).astype(np.int32),
        "tag": np.concatenate(tags).astype(np.int32),
    }

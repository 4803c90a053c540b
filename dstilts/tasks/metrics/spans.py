"""The scores of answers: exact match and the F1 of words, after a normalizer.

SQuAD's normalizer, which XTREME uses for XQuAD and TyDiQA in every language, stands here; MLQA's
for each language in `mlqa`.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

Normalizer = Callable[[str], str]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    """Lower case; without ASCII punctuation and English articles; single spaces.

    The same in every language, as in the official scorer: a Chinese or Thai answer without spaces
    is one word.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, gold: str, normalizer: Normalizer = normalize) -> float:
    """1.0 where both are the same after the normalizer, else 0.0."""
    return float(normalizer(prediction) == normalizer(gold))


def word_f1(prediction: str, gold: str, normalizer: Normalizer = normalize) -> float:
    """The F1 of the two bags of words after the normalizer, 0 to 1."""
    predicted_words, gold_words = normalizer(prediction).split(), normalizer(gold).split()
    common = sum((Counter(predicted_words) & Counter(gold_words)).values())
    # Two empty bags score 0, as in the official v1.1 scorer.
    return 2 * common / (len(predicted_words) + len(gold_words)) if common else 0.0


def span_scores(
    gold: Mapping[str, Sequence[str]],
    predictions: Mapping[str, str],
    normalizer: Normalizer = normalize,
) -> dict[str, float]:
    """`exact_match` and `f1` in per cent: means over the gold ids of the best gold answer's score.

    A gold id without a prediction scores 0; predictions of other ids are not looked at.

    Raises:
        ValueError: there is nothing to score, or a question has no gold answer.
    """
    if not gold:
        raise ValueError("the score of no question")
    found = [
        best_scores(predictions[name], answers, normalizer) if name in predictions else (0.0, 0.0)
        for name, answers in gold.items()
    ]
    exact, f1 = (100 * sum(column) / len(gold) for column in zip(*found, strict=True))
    return {"exact_match": exact, "f1": f1}


def best_scores(
    prediction: str, answers: Sequence[str], normalizer: Normalizer = normalize
) -> tuple[float, float]:
    """Exact match and word F1, each against the gold answer it is highest with, 0 to 1.

    Raises:
        ValueError: there is no gold answer.
    """
    exact = max(exact_match(prediction, answer, normalizer) for answer in answers)
    return exact, best_f1(prediction, answers, normalizer)


def best_f1(prediction: str, answers: Sequence[str], normalizer: Normalizer = normalize) -> float:
    """The word F1 against the gold answer it is highest with, 0 to 1.

    Raises:
        ValueError: there is no gold answer.
    """
    return max(word_f1(prediction, answer, normalizer) for answer in answers)

"""The official SQuAD v1.1 scores, which XTREME uses for XQuAD and TyDiQA in every language."""

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    """Lower case; without ASCII punctuation and English articles; single spaces.

    The same in every language, as in the official scorer: a Chinese or Thai answer without spaces
    is one word.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, gold: str) -> float:
    """1.0 where both are the same after `normalize`, else 0.0."""
    return float(normalize(prediction) == normalize(gold))


def word_f1(prediction: str, gold: str) -> float:
    """The F1 of the two bags of words after `normalize`, 0 to 1."""
    predicted_words, gold_words = normalize(prediction).split(), normalize(gold).split()
    common = sum((Counter(predicted_words) & Counter(gold_words)).values())
    # Two empty bags score 0, as in the official v1.1 scorer.
    return 2 * common / (len(predicted_words) + len(gold_words)) if common else 0.0


def span_scores(
    gold: Mapping[str, Sequence[str]], predictions: Mapping[str, str]
) -> dict[str, float]:
    """`exact_match` and `f1` in per cent: means over the gold ids of the best gold answer's score.

    A gold id without a prediction scores 0; predictions of other ids are not looked at.

    Raises:
        ValueError: there is nothing to score, or a question has no gold answer.
    """
    if not gold:
        raise ValueError("the score of no question")
    return {
        "exact_match": _mean_of_best(exact_match, gold, predictions),
        "f1": _mean_of_best(word_f1, gold, predictions),
    }


def _mean_of_best(
    metric: Callable[[str, str], float],
    gold: Mapping[str, Sequence[str]],
    predictions: Mapping[str, str],
) -> float:
    total = 0.0
    for question, answers in gold.items():
        if question in predictions:
            total += max(metric(predictions[question], answer) for answer in answers)
    return 100 * total / len(gold)

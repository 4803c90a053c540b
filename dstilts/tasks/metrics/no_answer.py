"""SQuAD v2.0's scores at the best thresholds of "no answer", as in its official scorer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dstilts.tasks.metrics.spans import normalize, word_f1

# Above its threshold a score of "no answer" replaces the text by nothing.
Predictions = Mapping[str, tuple[str, float]]  # id -> text, score of "no answer"


class _Question(NamedTuple):
    text: str
    none: float  # the score of "no answer"
    exact: float  # of the text
    f1: float
    has_answer: bool


def no_answer_scores(
    gold: Mapping[str, Sequence[str]], predictions: Predictions
) -> dict[str, float]:
    """Scores in per cent over the gold ids.

    `f1` and `exact_match` are each at the threshold where it is highest (the official `best_f1` and
    `best_exact`, over the evaluated questions themselves); `answerable_f1`, the F1 of the questions
    that have an answer, and `no_answer_accuracy`, the share of the others that get none, are at the
    threshold of the best F1 (the official `HasAns_f1` and `NoAns_f1`); each is 0 where there is no
    such question.

    Args:
        gold: the answers of each question; none where the context does not answer it.
        predictions: a question without one scores as the text "" with no doubt.

    Raises:
        ValueError: there is nothing to score.
    """
    if not gold:
        raise ValueError("the score of no question")
    questions = _questions(gold, predictions)
    best_f1, threshold, _ = _best([(q, q.f1) for q in questions])
    best_exact = _best([(q, q.exact) for q in questions]).score
    answered = [q.f1 if q.none <= threshold else 0.0 for q in questions if q.has_answer]
    silent = [1.0 if q.none > threshold else q.f1 for q in questions if not q.has_answer]
    return {
        "f1": best_f1,
        "exact_match": best_exact,
        "answerable_f1": 100 * sum(answered) / len(answered) if answered else 0.0,
        "no_answer_accuracy": 100 * sum(silent) / len(silent) if silent else 0.0,
    }


def question_scores(gold: Mapping[str, Sequence[str]], predictions: Predictions) -> list[float]:
    """The F1 of each gold id, 0 to 1, where their mean is highest: at the threshold of `f1`."""
    questions = _questions(gold, predictions)
    order = _surest_first(questions)
    taken = _best([(q, q.f1) for q in questions]).taken
    scores = [float(not question.has_answer) for question in questions]
    for index in order[:taken]:
        question = questions[index]
        scores[index] = question.f1 if question.has_answer else float(not question.text)
    return scores


def _questions(gold: Mapping[str, Sequence[str]], predictions: Predictions) -> list[_Question]:
    return [_question(*predictions.get(name, ("", 0.0)), answers) for name, answers in gold.items()]


def _question(text: str, none: float, answers: Sequence[str]) -> _Question:
    # A gold answer of which nothing is left after the normalizer counts as no answer.
    golds = [answer for answer in answers if normalize(answer)] or [""]
    exact = max(float(normalize(text) == normalize(answer)) for answer in golds)
    f1 = max(_f1(text, answer) for answer in golds)
    return _Question(text, none, exact, f1, bool(answers))


def _f1(prediction: str, gold: str) -> float:
    if not normalize(prediction) or not normalize(gold):
        return float(normalize(prediction) == normalize(gold))
    return word_f1(prediction, gold)


class _Best(NamedTuple):
    score: float  # the highest mean score in per cent
    threshold: float  # the lowest that has it
    taken: int  # how many questions, the surest first, then have their text


def _best(scored: Sequence[tuple[_Question, float]]) -> _Best:
    """From "no answer anywhere" the questions get their text one after another."""
    current = best = float(sum(not question.has_answer for question, _ in scored))
    threshold, taken = 0.0, 0
    for place, index in enumerate(_surest_first([question for question, _ in scored])):
        question, score = scored[index]
        if question.has_answer:
            current += score
        else:
            current -= bool(question.text)
        if current > best:
            best, threshold, taken = current, question.none, place + 1
    return _Best(100 * best / len(scored), threshold, taken)


def _surest_first(questions: Sequence[_Question]) -> list[int]:
    return sorted(range(len(questions)), key=lambda index: questions[index].none)

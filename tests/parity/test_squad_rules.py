"""Answers' scores against the rules of the official scorers written out anew, on random texts."""

import random
import re
import string
import unicodedata
from collections import Counter

import pytest

from dstilts.tasks.metrics import mlqa
from dstilts.tasks.metrics.no_answer import no_answer_scores
from dstilts.tasks.metrics.spans import span_scores

NUM_CASES = 10_000
PIECES = (
    "the The a AN an theatre cat-fish U.S. 3,000 '' \" \u201c \u201d \u00bf la las der des einen "
    "\u0627\u0644\u0643\u062a\u0627\u0628 \u0627\u0644 c\u1ee7a l\u00e0 \u4e2d\u56fd 2008\u5e74 "
    "\u3002 \u0964 \u0e01 \u200b \u00a0 \t \n _ -- () \u0130stanbul \u00df x y z"
).split(" ")


def text(draw: random.Random) -> str:
    joiner = draw.choice([" ", "", "  "])
    return joiner.join(draw.choices(PIECES, k=draw.randint(0, 5)))


def squad(answer: str) -> list[str]:
    kept = "".join(c for c in answer.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


ARTICLES = {
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "de": "ein eine einen einem eines einer der die das den dem des",
    "vi": "c\u1ee7a l\u00e0 c\u00e1i chi\u1ebfc nh\u1eefng",
}


def own_language(answer: str, language: str) -> list[str]:
    kept = "".join(
        c
        for c in answer.lower()
        if c not in string.punctuation and not unicodedata.category(c).startswith("P")
    )
    if language in ARTICLES:
        kept = re.sub(rf"\b({'|'.join(ARTICLES[language].split())})\b", " ", kept)
    if language == "ar":
        kept = re.sub("\u0627\u0644", " ", kept)
    if language != "zh":
        return kept.split()
    words: list[str] = []
    run = ""
    for character in kept:
        if "\u4e00" <= character <= "\u9fa5":
            words += [*run.split(), character]
            run = ""
        else:
            run += character
    return words + run.split()


def f1(one: list[str], other: list[str]) -> float:
    common = sum((Counter(one) & Counter(other)).values())
    if not common:
        return 0.0
    precision, recall = common / len(one), common / len(other)
    return 2 * precision * recall / (precision + recall)


def cases(seed: int) -> list[tuple[list[str], str]]:
    draw = random.Random(seed)
    made = []
    for _ in range(NUM_CASES):
        golds = [text(draw) for _ in range(draw.randint(1, 3))]
        guess = draw.choice(golds) if draw.random() < 0.3 else text(draw)
        made.append((golds, guess))
    return made


def test_ten_thousand_answers_by_squads_rules() -> None:
    for golds, guess in cases(1):
        scores = span_scores({"q": golds}, {"q": guess})
        exact = max(squad(guess) == squad(gold) for gold in golds)
        assert scores["exact_match"] == 100 * exact
        expected = 100 * max(f1(squad(guess), squad(gold)) for gold in golds)
        assert scores["f1"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("language", mlqa.LANGUAGES)
def test_ten_thousand_answers_by_mlqas_rules(language: str) -> None:
    for golds, guess in cases(2):
        scores = span_scores({"q": golds}, {"q": guess}, mlqa.normalizer(language))
        words = own_language(guess, language)
        options = [own_language(gold, language) for gold in golds]
        assert scores["exact_match"] == 100 * max(words == option for option in options)
        expected = 100 * max(f1(words, option) for option in options)
        assert scores["f1"] == pytest.approx(expected, abs=1e-9)


def test_other_languages_have_no_rules() -> None:
    with pytest.raises(ValueError, match="no rules for 'fr'"):
        mlqa.normalizer("fr")


def test_the_threshold_of_no_answer_against_trying_all() -> None:
    draw = random.Random(3)
    for _ in range(1000):
        number = draw.randint(1, 12)
        gold = {str(i): [text(draw)] if draw.random() < 0.6 else [] for i in range(number)}
        predicted = {
            name: (draw.choice([*answers, text(draw), ""]), round(draw.uniform(-2, 2), 1))
            for name, answers in gold.items()
        }
        scores = no_answer_scores(gold, predicted)
        # Texts of equal doubt are taken one by one: the best result lies between all and none.
        thresholds = [-9.0, *(none for _, none in predicted.values())]
        best = max(_mean_f1(gold, predicted, threshold) for threshold in thresholds)
        distinct = len({none for _, none in predicted.values()}) == number
        assert scores["f1"] >= best - 1e-9
        if distinct:
            assert scores["f1"] == pytest.approx(best, abs=1e-9)


def _mean_f1(gold: dict, predicted: dict, threshold: float) -> float:
    total = 0.0
    for name, answers in gold.items():
        answer, none = predicted[name]
        options = [option for option in answers if squad(option)] or [""]
        if none > threshold:
            total += not answers
        elif answers:
            total += max(_f1_or_equal(answer, option) for option in options)
        else:
            total += not answer
    return 100 * total / len(gold)


def _f1_or_equal(one: str, other: str) -> float:
    if not squad(one) or not squad(other):
        return float(squad(one) == squad(other))
    return f1(squad(one), squad(other))

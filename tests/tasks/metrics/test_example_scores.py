"""What examples add to the main metric: their sums are the metric, for every kind of task."""

from typing import Any

import pytest

from dstilts.tasks.catalog import task
from dstilts.tasks.examples import Answer, ExampleSet, SentenceExample, SpanExample
from dstilts.tasks.metrics.example_scores import example_scores
from dstilts.tasks.metrics.score import score
from tests.evaluation.tiny_farm import MAKERS, SUPERTAGS, TASKS, MemorySource


def guesses(name: str, examples: ExampleSet) -> dict[str, Any]:
    """Predictions of which some are right, by hand for each kind."""
    spec = task(name)
    items: Any = examples.examples
    match spec.protocol or spec.kind:
        case "pair":
            return {e.id: spec.labels[n % 2] for n, e in enumerate(items)}
        case "choice":
            return {e.id: n % 2 for n, e in enumerate(items)}
        case "span" if spec.has_no_answer:
            return {e.id: [e.context.split()[2 + n % 2], n - 2.0] for n, e in enumerate(items)}
        case "span":
            return {e.id: " ".join(e.context.split()[2 : 3 + n % 3]) for n, e in enumerate(items)}
        case "tagging":
            labels = spec.labels or SUPERTAGS
            return {
                e.id: [t if (n + i) % 3 else labels[0] for i, t in enumerate(e.tags)]
                for n, e in enumerate(items)
            }
        case "nearest":
            ids = [e.id for e in items]
            return {e.id: e.matches[0] if n % 3 else ids[0] for n, e in enumerate(items)}
        case "mining":
            sources = [e for e in items if e.side == "source"]
            pairs = {e.id: [f"target-{n - n % 2}", 2.0 - n / 9] for n, e in enumerate(sources)}
            return {**pairs, "threshold": 1.1}
        case "ranking":
            pool = [e.id for e in items if e.side == "target"]
            return {e.id: pool[n:] for n, e in enumerate(items) if e.side == "source" and n}
        case _:
            return {e.id: [1.5 * n, 3 + n, n] for n, e in enumerate(items)}


@pytest.mark.parametrize("name", TASKS)
def test_the_sums_are_the_metric(name: str) -> None:
    split, _, codes = MAKERS[name]
    examples = MemorySource().load(name, split, codes[-1])
    predictions = guesses(name, examples)
    found = example_scores(task(name), examples, predictions)
    assert found.metric == task(name).main_metric
    expected = score(task(name), examples, predictions)[found.metric]
    assert 0 < expected < 100, "a score at an end says little"
    assert found.value == pytest.approx(expected, abs=1e-9)
    asked = {"nearest": "target", "mining": "source", "ranking": "source"}.get(
        task(name).protocol or "", ""
    )
    items: Any = examples.examples
    assert found.ids == tuple(e.id for e in items if not asked or e.side == asked)


def test_a_question_counts_as_the_threshold_of_no_answer_leaves_it() -> None:
    def question(name: str, answers: tuple[str, ...]) -> SpanExample:
        found = tuple(Answer(text, "a b c".index(text)) for text in answers)
        return SpanExample(name, "a b c", "?", found, answerable=bool(answers))

    items = (question("1", ("b",)), question("2", ()), question("3", ("c",)), question("4", ()))
    examples = ExampleSet("squad_v2", "dev", "en", "made", items)
    # From the surest: 1 is right (+1), 4 is silent in vain (0), 3 is right, 2 would cost one.
    predictions: dict[str, Any] = {"1": ["b", -3], "4": ["", -2], "3": ["c", -1], "2": ["b", 5]}
    found = example_scores(task("squad_v2"), examples, predictions)
    assert dict(zip(found.ids, found.numerators, strict=True)) == {"1": 1, "2": 1, "3": 1, "4": 1}
    predictions["3"] = ["b", -1]
    found = example_scores(task("squad_v2"), examples, predictions)
    assert dict(zip(found.ids, found.numerators, strict=True)) == {"1": 1, "2": 1, "3": 0, "4": 1}
    assert found.value == score(task("squad_v2"), examples, predictions)["f1"] == 75


def test_a_mined_pair_counts_with_its_source() -> None:
    items = tuple(
        SentenceExample(f"{side[0]}{n}", f"{side} {n}", side, (f"t{n}",) if n < 2 else ())  # type: ignore[arg-type]
        for side in ("source", "target")
        for n in range(4)
    )
    examples = ExampleSet("bucc2018", "dev", "zh", "made", items)
    predictions: dict[str, Any] = {"s0": ["t0", 2.0], "s2": ["t1", 1.5], "s3": ["t3", 1.0]}
    found = example_scores(task("bucc2018"), examples, {**predictions, "threshold": 1.2})
    sums = zip(found.numerators, found.denominators, strict=True)
    # Right; missed; found in vain; below the threshold.
    assert list(sums) == [(2, 2), (0, 1), (0, 1), (0, 0)]

"""Minimal pairs for logical consistency: pairs whose labels follow from one another, the same
content in every language."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from dstilts.core.registry import lookup
from dstilts.tasks.examples import PairExample
from dstilts.tasks.phrasebook.format import Language, load_language
from dstilts.tasks.phrasebook.generate_copa import alternatives
from dstilts.tasks.phrasebook.generate_nli import nli_pairs
from dstilts.tasks.phrasebook.generate_paraphrase import LABELS, paraphrase_pairs
from dstilts.tasks.phrasebook.generator import Filled, Part
from dstilts.tasks.phrasebook.plan import load_plan

Kind = Literal["negation", "contradiction_symmetry", "paraphrase_symmetry", "entailment_asymmetry"]
# The texts and label of each pair of a group, with the group's name.
_Group = tuple[str, tuple[tuple[Filled, Filled, str], ...]]

_SIZES = {"dev": 150, "test": 300}  # of the pairs from which groups are made


@dataclass(frozen=True)
class MinimalGroup:
    """Pairs with labels that follow from one another.

    Attributes:
        name: unique in its kind and split, the same in every language.
        kind: the rule that ties the labels.
        task: whose labels they are: "xnli" or "pawsx".
        pairs: the first one, and those whose labels follow from its label.
    """

    name: str
    kind: Kind
    task: str
    pairs: tuple[PairExample, ...]


def minimal_pairs(
    kind: Kind, language: str, split: Literal["dev", "test"] = "test"
) -> tuple[MinimalGroup, ...]:
    """The groups of one kind in one language, made of the entries of evaluation.

    negation: a premise with a hypothesis and with its negation; one is entailed, the other
    contradicted. contradiction_symmetry: a contradiction, and the same with its texts swapped.
    paraphrase_symmetry: a paraphrase or none, and the same with its texts swapped.
    entailment_asymmetry: a premise with what it entails, and the two swapped, which is neutral.

    Raises:
        UserError: there is no such kind, split or language.
    """
    task, make = lookup("kind of minimal pairs", kind, _MAKERS)
    size = lookup("split of minimal pairs", split, _SIZES)
    spoken = load_language(language)
    return tuple(
        MinimalGroup(name, kind, task, tuple(_examples(name, pairs, spoken)))
        for name, pairs in make(Part(f"minimal_{kind}", split, "test", size))
    )


def _examples(
    name: str, pairs: tuple[tuple[Filled, Filled, str], ...], language: Language
) -> Iterator[PairExample]:
    plan = load_plan()
    for number, (one, other, label) in enumerate(pairs):
        yield PairExample(
            id=f"{name}-{number}",
            text_a=one.sentence(language, plan).text,
            text_b=other.sentence(language, plan).text,
            label=label,
        )


def _negation(part: Part) -> Iterator[_Group]:
    plan = load_plan()
    groups = [group for group in plan.complements if group.negation]
    items = alternatives(plan, groups, part, part.stream(), part.size // 3)
    for index, item in enumerate(items):
        statement, negated = item.statements
        labels = ("entailment", "contradiction")
        for which, premise in zip(("affirmed", "denied"), item.premises, strict=True):
            pairs = tuple(zip((premise, premise), (statement, negated), labels, strict=True))
            yield f"{part.split}-{index:04d}-{item.name}-{which}", pairs
            labels = ("contradiction", "entailment")


def _contradiction_symmetry(part: Part) -> Iterator[_Group]:
    for index, triple, label in nli_pairs(part):
        if label == "contradiction":
            premise, hypothesis = triple.premises[label], triple.hypothesis
            pairs = ((premise, hypothesis, label), (hypothesis, premise, label))
            yield f"{part.split}-{index:04d}-{triple.relation}", pairs


def _paraphrase_symmetry(part: Part) -> Iterator[_Group]:
    for index, triple, label in paraphrase_pairs(part):
        one, other = triple.statement, triple.others[label]
        pairs = ((one, other, LABELS[label]), (other, one, LABELS[label]))
        yield f"{part.split}-{index:04d}-{triple.name}-{label}", pairs


def _entailment_asymmetry(part: Part) -> Iterator[_Group]:
    """Without premises that say the same as the hypothesis, by the paraphrases of the plan."""
    equivalent = {
        frozenset((group.statement.frame, clause.frame))
        for group in load_plan().paraphrases
        for clause in group.same
    }
    for index, triple, label in nli_pairs(part):
        premise, hypothesis = triple.premises[label], triple.hypothesis
        if label == "entailment" and frozenset((premise.frame, hypothesis.frame)) not in equivalent:
            pairs = ((premise, hypothesis, label), (hypothesis, premise, "neutral"))
            yield f"{part.split}-{index:04d}-{triple.relation}", pairs


_MAKERS: dict[str, tuple[str, Callable[[Part], Iterator[_Group]]]] = {
    "negation": ("xnli", _negation),
    "contradiction_symmetry": ("xnli", _contradiction_symmetry),
    "paraphrase_symmetry": ("pawsx", _paraphrase_symmetry),
    "entailment_asymmetry": ("xnli", _entailment_asymmetry),
}

"""The supertags of every statement derive a declarative sentence, by a small CCG parser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dstilts.tasks.phrasebook.format import load_language
from dstilts.tasks.phrasebook.generator import Filled
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Ref, load_plan
from dstilts.tasks.phrasebook.supertags import pmb_spelling, supertags

PLAN = load_plan()


@dataclass(frozen=True)
class Atom:
    name: str
    feature: str = ""


@dataclass(frozen=True)
class Function:
    result: "Category"
    slash: str
    argument: "Category"


@dataclass(frozen=True)
class Conjoined:
    """A conjunction with its right side."""

    category: "Category"


Category = Atom | Function | Conjoined


def read(text: str) -> Category:
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if depth == 0 and text[place] in "/\\":
            return Function(read(text[:place]), text[place], read(text[place + 1 :]))
    if text.startswith("("):
        return read(text[1:-1])
    match = re.fullmatch(r"([A-Za-z.,]+)(?:\[(\w+)\])?", text)
    assert match, text
    return Atom(match[1], (match[2] or "").replace("nb", ""))


def bind(pattern: Category, actual: Category) -> str | None:
    """The feature that S without one takes in the pattern ("" for none); None: no match."""
    if isinstance(pattern, Atom) and isinstance(actual, Atom):
        fits = pattern.name == actual.name and (
            pattern.feature == actual.feature or not pattern.feature or pattern.name == "NP"
        )
        return actual.feature if fits and pattern.name == "S" else "" if fits else None
    if isinstance(pattern, Function) and isinstance(actual, Function):
        if pattern.slash != actual.slash:
            return None
        parts = [bind(pattern.result, actual.result), bind(pattern.argument, actual.argument)]
        return None if None in parts else parts[0] or parts[1]
    return None


def featured(category: Category, feature: str) -> Category:
    if isinstance(category, Atom):
        return Atom("S", feature) if category == Atom("S") else category
    if isinstance(category, Function):
        result, argument = (featured(c, feature) for c in (category.result, category.argument))
        return Function(result, category.slash, argument)
    return category


def combine(left: Category, right: Category) -> Iterator[Category]:
    if isinstance(left, Function) and left.slash == "/":
        feature = bind(left.argument, right)
        if feature is not None:
            yield featured(left.result, feature)
    if isinstance(right, Function) and right.slash == "\\":
        feature = bind(right.argument, left)
        if feature is not None:
            yield featured(right.result, feature)
        # Backward composition, crossed for adverbs after auxiliaries.
        feature = bind(right.argument, left.result) if isinstance(left, Function) else None
        if isinstance(left, Function) and feature is not None:
            yield Function(featured(right.result, feature), left.slash, left.argument)
    if left == Atom("conj"):
        yield Conjoined(right)
    if left == Atom(",") and isinstance(right, Conjoined):
        yield right
    if isinstance(right, Conjoined) and right.category == left:
        yield left


def derivable(tags: tuple[str, ...]) -> set[Category]:
    cells: dict[tuple[int, int], set[Category]] = {}
    for size in range(1, len(tags) + 1):
        for start in range(len(tags) - size + 1):
            cell = {read(tags[start])} if size == 1 else set()
            for middle in range(start + 1, start + size):
                for left in cells[start, middle]:
                    for right in cells[middle, start + size]:
                        cell |= set(combine(left, right))
            if Atom("N") in cell:
                cell.add(Atom("NP"))
            cells[start, start + size] = cell
    return cells[0, len(tags)]


def fillings(frame: str) -> Iterator[Filled]:
    """The frame with its first entries, and each entry of several words in turn."""
    first = {slot: slot_class(slot) for slot in PLAN.statements[frame]}
    entries = {
        slot: [Ref(name, entry) for entry in PLAN.classes[name].entries]
        for slot, name in first.items()
    }
    for slot, refs in entries.items():
        for ref in refs:
            values = {other: some[1] for other, some in entries.items()}
            yield Filled(frame, {**values, slot: ref})


@pytest.mark.parametrize("frame", load_plan().statements)
def test_every_statement_is_a_sentence(frame: str) -> None:
    english = load_language("en")
    seen = set()
    for filled in fillings(frame):
        tags = supertags(filled)
        assert len(tags) == len(filled.sentence(english, PLAN).words)
        assert tags[-1] == "."
        if tags not in seen:
            seen.add(tags)
            assert Atom("S", "dcl") in derivable(tags[:-1]), tags
    assert seen


def test_the_parser_refuses_what_is_no_sentence() -> None:
    assert Atom("S", "dcl") not in derivable(("N", r"(S[dcl]\NP)/NP"))
    assert Atom("S", "dcl") not in derivable(("N", r"(S[b]\NP)/NP", "N"))
    assert derivable(("N", r"(S[dcl]\NP)/(S[b]\NP)", r"(S[to]\NP)")) == set()


def test_spelling() -> None:
    assert pmb_spelling(r"(S[dcl]\NP)/NP") == r"(s:dcl\np)/np"
    assert pmb_spelling("NP[nb]/N") == "np/n"
    assert pmb_spelling("NP[thr]") == "np:thr"

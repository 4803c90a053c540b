"""Finding answers that other words of their context contain: whole words, or any part of the text
in languages without spaces between words."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from dstilts.tasks.phrasebook.format import Entry
from dstilts.tasks.phrasebook.notation import Slot, Word
from dstilts.tasks.phrasebook.plan import Plan, Pool, Ref
from dstilts.tasks.phrasebook.sentence import without_adpositions

_JOINERS = "\u200c\u200d"  # inside a word of Persian or of an Indian language

Frames = Mapping[str, tuple[Word | Slot, ...]]
Entries = Mapping[Ref, Entry]


def clashing_answers(
    plan: Plan, frames: Frames, entries: Entries, joiner: str, english: bool
) -> Iterator[str]:
    """Answers contained in entries or statements they can meet, unless plan.toml says so.

    Args:
        plan: the plan; its `confusable` says which ones do not meet.
        frames: of the language.
        entries: of the language.
        joiner: between words.
        english: English contexts are made for training too.
    """
    pools = [set(_pool(plan, "test")), *([set(_pool(plan, "train"))] if english else [])]
    around = _around(plan, frames, entries, joiner)
    for answer, texts in _answers(plan, frames, entries, joiner).items():
        declared = plan.confusable.get(answer, frozenset())
        for other, other_texts in around.items():
            if other == answer or other in declared:
                continue
            if isinstance(other, Ref) and not any({answer, other} <= pool for pool in pools):
                continue
            if any(_contains(whole, part, joiner) for whole in other_texts for part in texts):
                name = ".".join(other) if isinstance(other, Ref) else other
                yield f"{'.'.join(answer)} is contained in {name}: say so in plan.toml"


def _pool(plan: Plan, pool: Pool) -> Iterator[Ref]:
    for entry_class in plan.classes.values():
        yield from entry_class.refs[pool]


def _answers(plan: Plan, frames: Frames, entries: Entries, joiner: str) -> dict[Ref, set[str]]:
    """The texts of each entry as an answer."""
    found: dict[Ref, set[str]] = defaultdict(set)
    for question in plan.questions.values():
        for piece in frames.get(question.about, ()):
            if isinstance(piece, Slot) and piece.name == question.answer:
                for ref, words in _fillers(piece, entries):
                    tags = [word.tag for word in words]
                    first, last = without_adpositions([True] * len(tags), tags)
                    found[ref] |= _texts(words[first : last + 1], joiner)
    return found


def _around(plan: Plan, frames: Frames, entries: Entries, joiner: str) -> dict[Ref | str, set[str]]:
    """The texts of the entries and of the fixed words that a context can have."""
    found: dict[Ref | str, set[str]] = defaultdict(set)
    for topic in {question.about for question in plan.questions.values()}:
        run: list[Word] = []
        for piece in (*frames.get(topic, ()), Slot("")):
            if isinstance(piece, Word):
                run.append(piece)
                continue
            found[topic] |= _texts(run, joiner)
            run = []
            for ref, words in _fillers(piece, entries):
                found[ref] |= _texts(words, joiner)
    return found


def _fillers(slot: Slot, entries: Entries) -> Iterator[tuple[Ref, Sequence[Word]]]:
    for ref, entry in entries.items():
        if ref.class_name == slot.class_name and slot.form in entry.forms:
            yield ref, entry.forms[slot.form]


def _texts(words: Sequence[Word], joiner: str) -> set[str]:
    """The words joined, in each form; empty without words."""
    if not words:
        return set()
    gaps = {"": joiner, "+": "", "_": " "}
    return {
        "".join(w.forms[min(form, len(w.forms) - 1)] + gaps[w.seam] for w in words).strip()
        for form in range(max(len(word.forms) for word in words))
    }


def _contains(whole: str, part: str, joiner: str) -> bool:
    place = whole.find(part)
    while place >= 0:
        before, after = whole[:place][-1:], whole[place + len(part) :][:1]
        if not joiner or not (_one_word(before, part[0]) or _one_word(part[-1], after)):
            return True
        place = whole.find(part, place + 1)
    return False


def _one_word(before: str, after: str) -> bool:
    """Whether neither character is missing and both are letters, or both digits."""
    return _kind(before) != "" and _kind(before) == _kind(after)


def _kind(character: str) -> str:
    if character in _JOINERS:  # the empty text too
        return "L" if character else ""
    kind = unicodedata.category(character)[0]
    return {"L": "L", "M": "L", "N": "N"}.get(kind, "")

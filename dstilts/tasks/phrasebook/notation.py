"""The notation of frames and lexicon entries: `she|PRON lives|VERB in|ADP {city}`."""

import re
from dataclasses import dataclass, replace

UPOS = frozenset(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
)
_SLOT = re.compile(r"\{([a-z]+[23]?)(?:\.([a-z_]+))?\}([+_]?)")
_WORD = re.compile(r"([^|{}@+]+?)(?:@([a-z]+[23]?))?([+_]?)(?:\|([A-Z]+))?")


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its UPOS tag, in the forms among which another slot's entry decides."""

    forms: tuple[str, ...]  # by agreement number: masculine, feminine, ...
    tag: str
    agrees_with: str = "person"  # the slot whose entry selects the form
    seam: str = ""  # "+": no space follows (French "l'" + "ami"); "_": one does (Thai, at clauses)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a frame for a lexicon entry, in one of its forms."""

    name: str
    form: str = "base"
    seam: str = ""

    @property
    def class_name(self) -> str:
        return slot_class(self.name)


def slot_class(slot: str) -> str:
    """The lexicon class of a slot: `person2` takes a `person`."""
    return slot.rstrip("23")


def parse_word(text: str, default_tag: str | None) -> Word:
    """A word from `word|TAG`, `he~she@slot|TAG` or `l'+|TAG`; `_` stands for a space inside it.

    At its end `_` says that a space follows, in languages that write few of them.

    Raises:
        ValueError: the text is not of this form, or has no tag where the class has none.
    """
    match = _WORD.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not written as word|TAG")
    forms = tuple(form.replace("_", " ") for form in match[1].split("~"))
    tag = match[4] or default_tag
    if tag is None:
        raise ValueError(f"{text!r} has no tag")
    if tag not in UPOS:
        raise ValueError(f"{text!r}: {tag!r} is no UPOS tag")
    if not all(form.strip() for form in forms):
        raise ValueError(f"{text!r} has an empty form")
    return Word(forms, tag, match[2] or "person", match[3])


def parse_words(text: str, default_tag: str | None) -> tuple[Word, ...]:
    """The words of a lexicon entry.

    Raises:
        ValueError: there is no word, or one is malformed.
    """
    if not text.split():
        raise ValueError("an entry is empty")
    return tuple(parse_word(part, default_tag) for part in text.split())


def parse_frame(text: str) -> tuple[Word | Slot, ...]:
    """The words and slots of a frame.

    Raises:
        ValueError: there is no word, or a part is malformed.
    """
    if not text.split():
        raise ValueError("the frame is empty")
    return tuple(
        Slot(match[1], match[2] or "base", match[3])
        if (match := _SLOT.fullmatch(part))
        else parse_word(part, None)
        for part in text.split()
    )


def apply_pattern(pattern: str, base: tuple[Word, ...]) -> tuple[Word, ...]:
    """A form by the class's pattern: `with|ADP {}` adds words, `{}'s` adds to the base itself.

    Raises:
        ValueError: the pattern has no `{}`, or a part is malformed.
    """
    if "{}" not in pattern:
        raise ValueError(f"the pattern {pattern!r} has no {{}}")
    words: list[Word] = []
    for part in pattern.split():
        if "{}" in part:
            before, _, after = part.partition("{}")
            words.extend(_affixed(base, before, after))
        else:
            words.append(parse_word(part, None))
    return tuple(words)


def _affixed(base: tuple[Word, ...], before: str, after: str) -> tuple[Word, ...]:
    words = list(base)
    words[0] = replace(words[0], forms=tuple(before + form for form in words[0].forms))
    words[-1] = replace(words[-1], forms=tuple(form + after for form in words[-1].forms))
    return tuple(words)

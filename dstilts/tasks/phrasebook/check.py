"""Finding what is wrong with a language file: gaps, malformed entries, wrong scripts, doublets."""

import sys
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.phrasebook.check_answers import clashing_answers
from dstilts.tasks.phrasebook.format import (
    LANGUAGES_FOLDER,
    REVIEWS,
    TEXT_KEYS,
    Entry,
    frame_texts,
    parse_entry,
    read_table,
)
from dstilts.tasks.phrasebook.notation import Slot, Word, parse_frame, slot_class
from dstilts.tasks.phrasebook.plan import Plan, Ref, load_plan

# How the Unicode names of a script's letters begin.
_SCRIPTS: dict[str, tuple[str, ...]] = {
    "Latn": ("LATIN", "MODIFIER LETTER"),
    "Cyrl": ("CYRILLIC",),
    "Arab": ("ARABIC",),
    "Deva": ("DEVANAGARI",),
    "Beng": ("BENGALI",),
    "Taml": ("TAMIL",),
    "Telu": ("TELUGU",),
    "Mlym": ("MALAYALAM",),
    "Thai": ("THAI",),
    "Mymr": ("MYANMAR",),
    "Grek": ("GREEK",),
    "Hebr": ("HEBREW",),
    "Geor": ("GEORGIAN",),
    "Kore": ("HANGUL",),
    "Jpan": ("HIRAGANA", "KATAKANA", "CJK", "IDEOGRAPHIC"),
    "Hans": ("CJK",),
    "Gujr": ("GUJARATI",),
    "Guru": ("GURMUKHI",),
}

Frame = tuple[Word | Slot, ...]


def check_language(path: Path) -> list[str]:
    """Every problem of a language file, in words; an empty list for a sound one."""
    try:
        table = read_table(path)
    except UserError as error:
        return [str(error)]
    plan = load_plan()
    problems = list(_header(table, path))
    if not all(isinstance(table.get(key), dict) for key in ("lexicon", "statements", "questions")):
        return [*problems, "[lexicon.*], [statements] or [questions] is missing"]
    entries: dict[Ref, Entry] = {}
    frames: dict[str, Frame] = {}
    problems += _entries(table, plan, entries)
    problems += _frames(table, plan, frames)
    problems += _slots(plan, frames, entries)
    problems += _agreement(plan, frames, entries)
    joiner = str(table.get("joiner"))
    problems += _doublets(plan, entries, joiner)
    problems += clashing_answers(plan, frames, entries, joiner, english=path.stem == "en")
    problems += _letters(str(table.get("script")), frames, entries)
    return problems


def _header(table: Mapping[str, Any], path: Path) -> Iterator[str]:
    for key in TEXT_KEYS:
        if not isinstance(table.get(key), str):
            yield f"the key {key!r} is missing or no text"
    if table.get("code") != path.stem:
        yield f"code {table.get('code')!r} differs from the file's name"
    if table.get("review") not in REVIEWS:
        yield f"review must be one of {', '.join(REVIEWS)}"
    if table.get("script") not in _SCRIPTS:
        yield f"unknown script {table.get('script')!r}"
    if table.get("joiner") not in (" ", ""):
        yield "joiner must be a space or empty"
    surplus = set(table) - {*TEXT_KEYS, "forms", "lexicon", "statements", "questions"}
    if surplus:
        yield f"unknown keys {sorted(surplus)}"
    if unicodedata.normalize("NFC", str(table)) != str(table):
        yield "the text is not in Unicode normal form C"


def _entries(table: Mapping[str, Any], plan: Plan, found: dict[Ref, Entry]) -> Iterator[str]:
    for name in table["lexicon"].keys() - plan.classes.keys():
        yield f"unknown class lexicon.{name}"
    for name in table.get("forms", {}).keys() - plan.classes.keys():
        yield f"unknown class forms.{name}"
    for entry_class in plan.classes.values():
        surplus = table["lexicon"].get(entry_class.name, {}).keys() - set(entry_class.entries)
        for name in sorted(surplus):
            yield f"unknown entry lexicon.{entry_class.name}.{name}"
        for name in entry_class.entries:
            ref = Ref(entry_class.name, name)
            try:
                found[ref] = parse_entry(table, plan, ref)
            except KeyError as error:
                yield f"missing: {error.args[0]} (needed by lexicon.{ref.class_name}.{name})"
            except (ValueError, AttributeError) as error:
                yield f"lexicon.{ref.class_name}.{name}: {error}"


def _frames(table: Mapping[str, Any], plan: Plan, found: dict[str, Frame]) -> Iterator[str]:
    for section, known in (("statements", plan.statements), ("questions", plan.questions)):
        yield from (
            f"unknown frame {section}.{name}" for name in table[section].keys() - set(known)
        )
        yield from (
            f"missing frame {section}.{name}" for name in set(known) - table[section].keys()
        )
    for name, text in frame_texts(table).items():
        try:
            found[name] = parse_frame(text)
        except (ValueError, AttributeError) as error:
            yield f"frame {name}: {error}"
    by_text: dict[str, str] = {}
    for name, text in frame_texts(table).items():
        if text in by_text:
            yield f"frames {by_text[text]} and {name} are the same"
        by_text[text] = name


def _slots(plan: Plan, frames: Mapping[str, Frame], entries: Mapping[Ref, Entry]) -> Iterator[str]:
    for name, frame in frames.items():
        if name not in plan.statements and name not in plan.questions:
            continue
        used = [piece.name for piece in frame if isinstance(piece, Slot)]
        if sorted(used) != sorted(plan.slots(name)):
            yield f"frame {name}: slots {sorted(used)} instead of {sorted(plan.slots(name))}"
        for piece in frame:
            if isinstance(piece, Slot):
                declared = _forms_of_class(entries, piece.class_name)
                if declared and piece.form not in declared:
                    yield f"frame {name}: {piece.class_name} has no form {piece.form!r}"


def _forms_of_class(entries: Mapping[Ref, Entry], class_name: str) -> set[str]:
    return {form for ref, entry in entries.items() if ref[0] == class_name for form in entry.forms}


def _agreement(
    plan: Plan, frames: Mapping[str, Frame], entries: Mapping[Ref, Entry]
) -> Iterator[str]:
    """Words with alternatives need one for every entry they can agree with."""
    needed: dict[str, int] = {}
    for ref, entry in entries.items():
        class_name = plan.classes[ref.class_name].forms_of
        needed[class_name] = max(needed.get(class_name, 0), entry.agreement)
    places = [
        (f"frame {name}", piece)
        for name, frame in frames.items()
        for piece in frame
        if isinstance(piece, Word)
    ]
    places += [
        (f"lexicon.{ref.class_name}.{ref.entry}", word)
        for ref, entry in entries.items()
        for words in entry.forms.values()
        for word in words
    ]
    for place, word in places:
        if len(word.forms) > 1:
            highest = needed.get(slot_class(word.agrees_with))
            if highest is None:
                yield f"{place}: {word.forms} agrees with an unknown slot {word.agrees_with!r}"
            elif len(word.forms) <= highest:
                yield f"{place}: {word.forms} lacks the form number {highest}"
    for name, frame in frames.items():
        slots = plan.slots(name) if name in {**plan.statements, **plan.questions} else ()
        for piece in frame:
            if isinstance(piece, Word) and len(piece.forms) > 1 and piece.agrees_with not in slots:
                yield f"frame {name}: {piece.forms} agrees with {piece.agrees_with!r}, not in it"


def _doublets(plan: Plan, entries: Mapping[Ref, Entry], joiner: str) -> Iterator[str]:
    """Entries that can meet in one text must be told apart, also as answers found in it."""
    for class_name, entry_class in plan.classes.items():
        bases = {
            ref.entry: joiner.join(["", *(word.forms[0] for word in entry.forms["base"]), ""])
            for ref, entry in entries.items()
            if ref.class_name == class_name
        }
        for one, other in permutations(bases, 2):
            meet = any({one, other} <= set(pool) for pool in entry_class.pools.values())
            declared = Ref(class_name, other) in plan.confusable.get(Ref(class_name, one), ())
            if bases[one] == bases[other] and one < other:
                yield f"lexicon.{class_name}: {one} and {other} are the same"
            elif (
                meet and not declared and bases[one] in bases[other] and bases[one] != bases[other]
            ):
                yield f"lexicon.{class_name}: {one} is contained in {other}"


def _letters(
    script: str, frames: Mapping[str, Frame], entries: Mapping[Ref, Entry]
) -> Iterator[str]:
    words = [word for frame in frames.values() for word in frame if isinstance(word, Word)]
    words += [w for entry in entries.values() for form in entry.forms.values() for w in form]
    forms = {form for word in words for form in word.forms}
    for form in sorted(forms):
        wrong = [c for c in form if not _belongs(c, _SCRIPTS.get(script, ()))]
        if wrong:
            yield f"{form!r}: {wrong[0]!r} is not of the script {script}"
        if form != form.strip():
            yield f"{form!r} has a space at its edge"


def _belongs(character: str, prefixes: tuple[str, ...]) -> bool:
    if unicodedata.category(character)[0] not in "LM":
        return True  # digits, punctuation, joiners
    return unicodedata.name(character, "").startswith((*prefixes, "COMBINING"))


def main(arguments: list[str]) -> int:
    """Prints the problems of the named language files, or of all of them; 1 if there are any."""
    paths = [Path(name) for name in arguments] or sorted(LANGUAGES_FOLDER.glob("*.toml"))
    found = False
    for path in paths:
        for problem in check_language(path):
            found = True
            print(f"{path.name}: {problem}")
    return int(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

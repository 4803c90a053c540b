"""Reading a language file: its lexicon and frames, parsed and ready to make sentences."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.core.registry import unknown
from dstilts.tasks.phrasebook.notation import (
    Slot,
    Word,
    apply_pattern,
    parse_frame,
    parse_words,
)
from dstilts.tasks.phrasebook.plan import EntryClass, Plan, Ref, load_plan

LANGUAGES_FOLDER = Path(__file__).parent / "languages"
TEXT_KEYS = (
    *("code", "name", "native_name", "family", "script", "joiner", "sentence_joiner"),
    *("full_stop", "question_mark", "review", "note"),
)
REVIEWS = ("reviewed", "unsure")


@dataclass(frozen=True)
class Entry:
    """A lexicon entry in all its forms, and the number of the word forms that agree with it."""

    forms: Mapping[str, tuple[Word, ...]]
    agreement: int


@dataclass(frozen=True)
class Language:
    """One language file."""

    code: str
    name: str
    native_name: str
    family: str
    script: str  # ISO 15924
    joiner: str  # between words: a space, or nothing
    sentence_joiner: str
    full_stop: str  # appended to a statement; a space at its start is kept in the text
    question_mark: str
    review: str  # "reviewed", or "unsure": the author would like it read by a native speaker
    note: str
    lexicon: Mapping[Ref, Entry]
    frames: Mapping[str, tuple[Word | Slot, ...]]


def available_languages() -> tuple[str, ...]:
    """The codes of all language files, sorted."""
    return tuple(sorted(path.stem for path in LANGUAGES_FOLDER.glob("*.toml")))


@lru_cache(maxsize=64)
def load_language(code: str) -> Language:
    """The language file of `code`.

    Raises:
        UserError: there is no such language, or its file is broken.
    """
    if code not in available_languages():
        raise unknown("phrasebook language", code, available_languages())
    return read_language(LANGUAGES_FOLDER / f"{code}.toml", load_plan())


def read_language(path: Path, plan: Plan) -> Language:
    """A language file as `load_language` gives it, from anywhere.

    Raises:
        UserError: the file is no TOML, lacks something the plan names, or has a malformed entry.
    """
    table = read_table(path)
    try:
        return Language(
            **{key: table[key] for key in TEXT_KEYS},
            lexicon={
                Ref(entry_class.name, name): parse_entry(table, plan, Ref(entry_class.name, name))
                for entry_class in plan.classes.values()
                for name in entry_class.entries
            },
            frames={frame: parse_frame(text) for frame, text in frame_texts(table).items()},
        )
    except KeyError as error:
        raise UserError(f"there is no {error.args[0]!r}", file=path) from None
    except ValueError as error:
        raise UserError(str(error), file=path) from None


def read_table(path: Path) -> dict[str, Any]:
    """The TOML table of a language file.

    Raises:
        UserError: the file cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"not a language file: {error}", file=path) from None


def frame_texts(table: Mapping[str, Any]) -> dict[str, str]:
    """All frames of a language file, statements and questions, as written."""
    return {**table["statements"], **table["questions"]}


def parse_entry(table: Mapping[str, Any], plan: Plan, ref: Ref) -> Entry:
    """One lexicon entry with the forms its class declares; digits need not be listed.

    Raises:
        KeyError: the file lacks the entry, or the entry its base.
        ValueError: a form is malformed, or has neither a pattern nor its own text.
    """
    entry_class = plan.classes[ref.class_name]
    written = _written(table, entry_class, ref.entry)
    base = parse_words(written["base"], entry_class.tag)
    forms = {"base": base}
    for form, pattern in table.get("forms", {}).get(entry_class.forms_of, {}).items():
        if form in written:
            forms[form] = parse_words(written[form], entry_class.tag)
        elif pattern:
            forms[form] = apply_pattern(pattern, base)
        else:
            raise ValueError(f"{ref.class_name} {ref.entry!r} lacks the form {form!r}")
    surplus = set(written) - set(forms) - {"agr"}
    if surplus:
        raise ValueError(f"{ref.class_name} {ref.entry!r} has undeclared forms {sorted(surplus)}")
    return Entry(forms, int(written.get("agr", entry_class.agreement.get(ref.entry, 0))))


def _written(table: Mapping[str, Any], entry_class: EntryClass, name: str) -> dict[str, Any]:
    lexicon = table["lexicon"]
    if entry_class.digits and name not in lexicon.get(entry_class.name, {}):
        return {"base": name}
    if entry_class.name not in lexicon:
        raise KeyError(f"lexicon.{entry_class.name}")
    if name not in lexicon[entry_class.name]:
        raise KeyError(f"lexicon.{entry_class.name}.{name}")
    written = lexicon[entry_class.name][name]
    return dict(written) if isinstance(written, dict) else {"base": written}

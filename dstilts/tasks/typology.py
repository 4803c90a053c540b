"""Typological facts of the 50 languages, how far each is from English, and groups to show them by.

Sources: the features are those of the World Atlas of Language Structures (wals.info, CC BY 4.0),
chapters 81A, 85A, 86A, 87A, 89A, 90A, 51A, 13A, with its values where it codes the language. Where
it does not, values are common knowledge of grammars, entered by hand: of af, az, gu, ht, jv, kk,
ms, and single ones of bn, pa, tl and ur. Gender is by hand throughout, since chapter 30A counts
pronouns. Sizes are of XLM-R's pretraining text (arXiv 1911.02116, table 6); other encoders have
read other text.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from dstilts.tasks.languages import LANGUAGES


@dataclass(frozen=True)
class Typology:
    """What is known of one language; None where the source is silent or sources disagree.

    Attributes:
        word_order: of subject, verb and object, or "mixed" where none is dominant.
        adposition: "before" or "after" its noun, or "both"; so `genitive` (the possessor),
            `adjective`, `numeral` and `relative` (the clause; "correlative" is beside the noun).
        case: nouns are marked for case by affix or clitic, the possessor apart: "yes" or "no".
        gender: words other than pronouns agree with a noun's gender or class.
        tone: tone or pitch tells words apart.
        pretraining_gib: of text in the language that XLM-R read; None: not one of its languages.
    """

    word_order: str | None
    adposition: str | None
    genitive: str | None
    adjective: str | None
    numeral: str | None
    relative: str | None
    case: str | None
    gender: str | None
    tone: str | None
    pretraining_gib: float | None


FEATURES = tuple(name for name in Typology.__annotations__ if name != "pretraining_gib")

# code order adposition genitive adjective numeral relative case gender tone GiB
_TABLE = """
af mixed before both   before before after       no  no  no  1.3
ar VSO   before after  after  before after       yes yes no  28.0
bg SVO   before both   before before after       no  yes no  57.5
bn SOV   after  before before before correlative yes no  no  8.4
de mixed before after  before before after       yes yes no  66.6
el mixed before after  before before after       yes yes no  46.9
en SVO   before both   before before after       no  no  no  300.8
es SVO   before after  after  before after       no  yes no  53.3
et SVO   after  before before before after       yes no  no  6.1
eu SOV   after  before after  before before      yes no  no  2.0
fa SOV   before after  after  before after       -   no  no  111.6
fi SVO   after  before before before after       yes no  no  54.3
fr SVO   before after  after  before after       no  yes no  56.8
he SVO   before after  after  before after       no  yes no  31.6
hi SOV   after  before before before correlative yes yes no  20.2
hu mixed after  before before before both        yes no  no  58.4
id SVO   before after  after  before after       no  no  no  148.3
it SVO   before after  after  before after       no  yes no  30.2
ja SOV   after  before before before before      yes no  yes 69.3
jv SVO   before after  after  -      after       no  no  no  0.2
ka SOV   after  before before before after       yes no  no  9.1
kk SOV   after  before before before before      yes no  no  6.4
ko SOV   after  before before before before      yes no  no  54.2
ml SOV   after  before before before before      yes no  no  7.6
mr SOV   after  before before before before      yes yes no  2.8
ms SVO   before after  after  before after       no  no  no  8.5
my SOV   after  before after  after  before      yes no  yes 1.6
nl mixed before after  before before after       no  yes no  29.3
pt SVO   before after  after  before after       no  yes no  49.1
ru SVO   before after  before before after       yes yes no  278.0
sw SVO   before after  after  after  after       no  yes no  1.6
ta SOV   after  before before before before      yes yes no  12.2
te SOV   after  before before before before      yes yes no  4.7
th SVO   before after  after  after  after       no  no  yes 71.7
tl VSO   before after  both   before after       -   no  no  3.1
tr SOV   after  before before before before      yes no  no  20.9
ur SOV   after  before before before correlative -   yes no  5.7
vi SVO   before after  after  before after       no  no  yes 137.3
yo SVO   before after  after  after  after       no  no  yes -
zh SVO   both   before before before before      no  no  yes 46.9
az SOV   after  before before before before      yes no  no  6.5
gu SOV   after  before before before correlative yes yes no  1.9
ht SVO   before after  after  before after       no  no  no  -
lt SVO   before before before before after       yes yes no  13.7
pa SOV   after  before before before before      yes yes yes 0.8
pl SVO   before after  before before after       yes yes no  44.6
qu SOV   after  before before before before      yes no  no  -
ro SVO   before after  after  before after       yes yes no  61.4
uk SVO   before -      before before after       yes yes no  84.6
wo SVO   before after  after  before after       no  yes no  -
"""

_SCRIPTS = {
    "Latn": "Latin",
    "Cyrl": "Cyrillic",
    "Arab": "Arabic",
    "Deva": "Devanagari",
    "Beng": "Bengali",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Mlym": "Malayalam",
    "Mymr": "Burmese",
    "Grek": "Greek",
    "Hebr": "Hebrew",
    "Geor": "Georgian",
    "Kore": "Hangul",
    "Jpan": "Japanese",
    "Hans": "Han",
    "Gujr": "Gujarati",
    "Guru": "Gurmukhi",
    "Thai": "Thai",
}
_ALPHABETS = frozenset({"Cyrl", "Grek", "Geor"})  # letters for consonants and vowels, as Latin has
_OTHER = "other"
_BANDS = ((0.25, "under 0.25"), (0.5, "0.25 to 0.5"), (float("inf"), "0.5 and over"))


def _row(line: str) -> tuple[str, Typology]:
    code, *words = line.split()
    order, *places, case, gender, tone, size = (None if word == "-" else word for word in words)
    adposition, genitive, adjective, numeral, relative = places
    return code, Typology(
        word_order=order,
        adposition=adposition,
        genitive=genitive,
        adjective=adjective,
        numeral=numeral,
        relative=relative,
        case=case,
        gender=gender,
        tone=tone,
        pretraining_gib=None if size is None else float(size),
    )


TYPOLOGY: dict[str, Typology] = dict(_row(line) for line in _TABLE.strip().splitlines())


def typology(code: str) -> Typology:
    """The facts of a language.

    Raises:
        KeyError: it is not one of the 50.
    """
    return TYPOLOGY[code]


def word_order(code: str) -> str:
    """The dominant order of subject, verb and object; "other" outside the 50 languages."""
    return (TYPOLOGY[code].word_order if code in TYPOLOGY else None) or _OTHER


def script_of(code: str) -> str:
    """The script's English name; "other" outside the 50 languages."""
    return _SCRIPTS[LANGUAGES[code].script] if code in LANGUAGES else _OTHER


def family_of(code: str) -> str:
    """The family without its branch; "other" outside the 50 languages."""
    return LANGUAGES[code].family.partition(":")[0] if code in LANGUAGES else _OTHER


def script_distance(code: str) -> float:
    """From the Latin script: 0 the same, 0.5 another alphabet, 1 another kind of writing.

    A scale of three steps of our own: no published measure is behind it.

    Raises:
        KeyError: it is not one of the 50.
    """
    script = LANGUAGES[code].script
    return 0.0 if script == "Latn" else 0.5 if script in _ALPHABETS else 1.0


def typological_distance(code: str, other: str = "en") -> float:
    """The share (0 to 1) of the features known of both languages in which they differ.

    Raises:
        KeyError: one of them is not one of the 50.
    """
    one, two = typology(code), typology(other)
    pairs = [(getattr(one, name), getattr(two, name)) for name in FEATURES]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return sum(a != b for a, b in known) / len(known)


def distance_band(code: str) -> str:
    """The typological distance to English in words; "other" outside the 50 languages."""
    if code not in TYPOLOGY:
        return _OTHER
    distance = typological_distance(code)
    return next(name for end, name in _BANDS if distance < end)


GROUPINGS: Mapping[str, Callable[[str], str]] = {
    "family": family_of,
    "script": script_of,
    "word order": word_order,
    "distance to English": distance_band,
}


def grouped(codes: Collection[str], by: str) -> dict[str, list[str]]:
    """Languages by group, the largest group first, "other" last.

    Args:
        by: one of `GROUPINGS`.
    """
    groups: dict[str, list[str]] = {}
    for code in sorted(codes):
        groups.setdefault(GROUPINGS[by](code), []).append(code)
    order = sorted(groups, key=lambda name: (name == _OTHER, -len(groups[name]), name))
    return {name: groups[name] for name in order}

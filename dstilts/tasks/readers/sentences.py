"""Where English sentences end: a rule for training pairs, not a model of sentence boundaries."""

import re

# A stop, closing quotes or brackets, a gap, and what a sentence begins with.
_END = re.compile(r"[.!?]([\"')\]\u2019\u201d]*)\s+(?=[\"'(\[\u2018\u201c]?([A-Z0-9]))")

# Words after which a full stop ends no sentence.
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof rev hon st sr jr gen col maj capt lt sgt gov sen rep pres ed eds vs cf al "
    "ca c e.g i.e u.s u.k u.n d.c inc ltd co corp dept univ jan feb mar apr jun jul aug sep sept "
    "oct nov dec mt ft a.d b.c".split()
)
_BEFORE_NUMBERS = frozenset("no nos vol p pp fig".split())


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence; together they cover the text, spaces between them included.

    A sentence ends after . ! or ? where a space and then a capital or a digit follow, but not after
    an initial ("J. Smith") or a common abbreviation ("Dr. Smith", "No. 5").
    """
    spans = []
    start = 0
    for match in _END.finditer(text):
        word = re.split(r"[\s(\"'\u201c]", text[start : match.start()])[-1].lower()
        initial = len(word) == 1 and word.isalpha()
        numbered = word in _BEFORE_NUMBERS and match[2].isdigit()
        plain_stop = text[match.start()] == "." and not match[1]
        if plain_stop and (initial or numbered or word in _ABBREVIATIONS):
            continue
        spans.append((start, match.end()))
        start = match.end()
    if start < len(text):
        spans.append((start, len(text)))
    return spans

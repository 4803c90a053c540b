"""Universal Dependencies' CoNLL-U, made into tagged words as XTREME's preprocessing does it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.readers.columns import wrong_fields
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.tagging import Token, check_token, sentence

# Of the parts of a multi-word token that stand equally high in the tree, the first tag of these
# gives the token its own; by the language in the file's name. XTREME's lists.
_TAG_ORDER = {
    "es": "VERB AUX PRON ADP DET".split(),
    "fr": "VERB AUX PRON NOUN ADJ ADV ADP DET PART SCONJ".split(),
    "it": "VERB AUX ADV PRON ADP DET INTJ".split(),
}
_DEFAULT_TAG_ORDER = (
    "VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT".split()
)

# Treebanks that may not print their text have this in the place of every word.
_NO_WORD = "_"


@dataclass(frozen=True, slots=True)
class _Row:
    """A word, or a multi-word token (`last` after `first`) before the words that it is made of."""

    line: int
    first: int
    last: int
    word: str
    tag: str
    head: str


def read_conllu(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """The sentences of a treebank, multi-word tokens as one word each.

    As in XTREME, such a token has the tag of the part that stands highest in the dependency tree;
    empty nodes, U+200C and spaces within words are left out, and so are sentences whose words the
    treebank does not print. The tags are those of XTREME's files in all 7,866 multi-word tokens
    of en, es, fi, fr, it, pt and tr that could be compared. The domain is the treebank.

    Raises:
        UserError: see `read_lines`; a line without ten columns, an unknown tag, an empty word, a
            number out of order, a multi-word token without its words, heads that do not lead to a
            root, no sentence.
    """
    order = _TAG_ORDER.get(path.name.partition("_")[0], _DEFAULT_TAG_ORDER)
    treebank = path.name.partition("-ud-")[0]
    examples: list[TaggingExample] = []
    found = False
    for rows in _sentences(path, spec):
        found = True
        tokens = _tokens(rows, order, path)
        missing = sum(word == _NO_WORD for word, _ in tokens)
        if not missing or missing < len(tokens) - 1:
            examples.append(sentence(path, len(examples) + 1, tokens, domain=treebank))
    if not found:
        raise UserError("no sentence in the file", file=path)
    return examples


def _sentences(path: Path, spec: TaskSpec) -> Iterator[list[_Row]]:
    rows: list[_Row] = []
    for line, text in read_lines(path):
        if text.startswith("#"):
            continue
        if text.strip():
            row = _row(text, path, line, spec)
            rows += [row] if row else []
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def _row(text: str, path: Path, line: int, spec: TaskSpec) -> _Row | None:
    """The row of a line; None for an empty node, which is no word of the sentence."""
    fields = text.split("\t")
    if len(fields) != 10:
        raise wrong_fields(path, line, 10, len(fields))
    if "." in fields[0]:
        return None
    match = re.fullmatch(r"([0-9]+)(-[0-9]+)?", fields[0])
    first, last = (int(match[1]), int((match[2] or match[1]).lstrip("-"))) if match else (0, 0)
    if match is None or (match[2] and last <= first):
        raise UserError(f"{fields[0]!r} is no number of a word", file=path, line=line)
    word = fields[1].replace("\u200c", "").replace(" ", "")
    if last == first:
        check_token(word, fields[3], spec, path, line)
    return _Row(line, first, last, word, fields[3], fields[6])


def _tokens(rows: Sequence[_Row], order: Sequence[str], path: Path) -> list[Token]:
    words = {str(row.first): row for row in rows if row.first == row.last}
    numbers = [row.first for row in rows if row.first == row.last]
    if numbers != list(range(1, len(numbers) + 1)):
        # A line is missing, stands twice, or two sentences have run together.
        raise UserError("the words are not numbered 1, 2, 3 ...", file=path, line=rows[0].line)
    tokens = []
    done = 0  # the last word that a multi-word token stands for
    for row in rows:
        if row.last > row.first:
            tokens.append((row.word, _fused_tag(row, words, order, path)))
            done = row.last
        elif row.first > done:
            tokens.append((row.word, row.tag))
    return tokens


def _fused_tag(token: _Row, words: Mapping[str, _Row], order: Sequence[str], path: Path) -> str:
    ranked = []
    for number in range(token.first, token.last + 1):
        part = words.get(str(number))
        if part is None:
            problem = f"word {number} of the token {token.word!r} is missing"
            raise UserError(problem, file=path, line=token.line)
        rank = order.index(part.tag) if part.tag in order else len(order)
        ranked.append((_steps_to_root(part, words, path), rank, part.tag))
    return min(ranked)[2]


def _steps_to_root(word: _Row, words: Mapping[str, _Row], path: Path) -> int:
    above: _Row | None = word
    for steps in range(len(words)):
        if above is None:
            break
        if above.head == "0":
            return steps
        above = words.get(above.head)
    raise UserError("the heads do not lead to a root", file=path, line=word.line)

"""CCG supertagging: CCGbank's AUTO and pipe formats, and the Parallel Meaning Bank's columns."""

import re
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.readers.checks import checked
from dstilts.tasks.readers.columns import wrong_fields
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.tagging import Token, check_token, sentence

# A leaf of a derivation: (<L CATEGORY POS POS WORD PREDICATE-ARGUMENTS>).
_LEAF = re.compile(r"\(<L (\S+) \S+ \S+ (\S+) \S+>\)")

_PMB_COLUMNS = 7  # token, form, symbol, semantic tag, category, sense, roles
_PMB_CATEGORY = 4


def read_ccgbank_auto(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """CCGbank's files of derivations (wsj_0001.auto): the words and categories of the leaves.

    A derivation stands on one line, after a line with its id ("ID=wsj_0001.1 ..."). The domain is
    the section of the Wall Street Journal, which the name of the folder tells.

    Raises:
        UserError: see `read_lines` and `checked`; an id without a derivation, a derivation without
            an id, a broken one.
    """
    examples: list[TaggingExample] = []
    name, at = "", 0
    for line, text in read_lines(path):
        if not text.strip():
            continue
        if text.startswith("ID="):
            if name:
                raise UserError(f"no derivation of {name!r:.80}", file=path, line=at)
            name, at = text.removeprefix("ID=").split(" ")[0], line
            if not name:
                raise UserError("an empty id", file=path, line=line)
        elif not name:
            raise UserError("a derivation without an id", file=path, line=line)
        else:
            words, tags = zip(*_leaves(text, spec, path, line), strict=True)
            examples.append(TaggingExample(name, words, tags, path.parent.name))
            name = ""
    if name:
        raise UserError(f"no derivation of {name!r:.80}", file=path, line=at)
    return checked(examples, path)


def read_ccg_pipes(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """A sentence a line, `word|POS|category` apart by spaces: the format of CCG parsers' training
    files. Empty lines and those of a heading ("# ...") are left out.

    Raises:
        UserError: see `read_lines`; a word without three parts, a broken category, no sentence.
    """
    examples: list[TaggingExample] = []
    for line, text in read_lines(path):
        if not text.strip() or text.startswith("# "):
            continue
        tokens: list[Token] = []
        for item in text.split():
            parts = item.split("|")
            if len(parts) != 3:
                problem = f"{item!r:.80} is not word|POS|category"
                raise UserError(problem, file=path, line=line)
            check_token(parts[0], parts[2], spec, path, line)
            tokens.append((parts[0], parts[2]))
        examples.append(sentence(path, len(examples) + 1, tokens))
    if not examples:
        raise UserError("no sentence in the file", file=path)
    return examples


def read_pmb(path: Path, spec: TaskSpec) -> list[TaggingExample]:
    """The Parallel Meaning Bank's layers as columns; the fifth is the category.

    An example is a document, as the bank counts: mostly one sentence, else a few short ones. Words
    of several parts are written with a tilde in the bank and with a space here ("ice skate"). The
    domain is the part of the bank.

    Raises:
        UserError: see `read_lines` and `checked`; a line without seven columns, a line before the
            first document, a broken category or cut-off roles, a document without words.
    """
    documents: dict[str, list[Token]] = {}
    name = ""
    for line, text in read_lines(path):
        if text.startswith("# newdoc id = "):
            if name and not documents[name]:
                raise UserError(f"document {name!r:.80} has no words", file=path, line=line)
            name = text.removeprefix("# newdoc id = ").strip()
            if name in documents:
                raise UserError(f"duplicate id {name!r:.80}", file=path, line=line)
            documents[name] = []
        elif text.strip() and not re.match(r"#+ ", text):
            if not name:
                raise UserError("a word before the first document", file=path, line=line)
            documents[name].append(_pmb_token(text, spec, path, line))
    if not name or not documents[name]:
        raise UserError(f"document {name!r:.80} has no words", file=path)
    examples = []
    for name, tokens in documents.items():
        words, tags = zip(*tokens, strict=True)
        examples.append(TaggingExample(name, words, tags, name.partition("/")[0]))
    return examples


def _leaves(text: str, spec: TaskSpec, path: Path, line: int) -> list[Token]:
    tokens = [(word, category) for category, word in _LEAF.findall(text)]
    rest = _LEAF.sub("", text)
    # What is left are the inner nodes: "(<T CATEGORY HEAD CHILDREN>" and closing brackets.
    opened = len(re.findall(r"\(<T \S+ [01] [12]> ", rest))
    closed = len(re.findall(r"(?:(?<=^)|(?<= ))\)", rest))
    if not tokens or opened != closed or rest.count("<") != opened:
        raise UserError("a broken derivation", file=path, line=line)
    for word, category in tokens:
        check_token(word, category, spec, path, line)
    return tokens


def _pmb_token(text: str, spec: TaskSpec, path: Path, line: int) -> Token:
    fields = text.split("\t")
    if len(fields) != _PMB_COLUMNS:
        raise wrong_fields(path, line, _PMB_COLUMNS, len(fields))
    word = fields[0].replace("~", " ") if len(fields[0]) > 1 else fields[0]
    check_token(word, fields[_PMB_CATEGORY], spec, path, line)
    roles = fields[-1]
    if not (roles.startswith("[") and roles.endswith("]")):
        raise UserError(f"{roles!r:.80} is no list of roles", file=path, line=line)
    return word, fields[_PMB_CATEGORY]

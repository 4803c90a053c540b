"""Pair classification: NLI as JSON lines or TSV, PAWS-X and QQP as TSV."""

from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import PairExample
from dstilts.tasks.readers.checks import checked, unknown_label
from dstilts.tasks.readers.columns import read_columns, read_fields
from dstilts.tasks.readers.json_values import id_at, optional_text, read_json_lines, text_at

# At most this share: a few questions of GLUE's train file go on in the next line.
_BROKEN_QQP_LINES = 0.001

# SNLI and MNLI mark pairs on which the annotators did not agree; they have no gold label.
NO_GOLD_LABEL = "-"

_ANLI_LABELS = {"c": "contradiction", "e": "entailment", "n": "neutral"}


def read_nli_jsonl(path: Path, spec: TaskSpec) -> list[PairExample]:
    """MNLI's and SNLI's own JSON lines; pairs without a gold label are left out, as in jiant.

    The domain is the genre; SNLI, which has none, is all image captions.

    Raises:
        UserError: see `read_json_lines` and `checked`; an unknown label.
    """
    examples = []
    default = "captions" if spec.name == "snli" else ""
    for line, row in read_json_lines(path, ("gold_label", "sentence1", "sentence2")):
        label = text_at(row, "gold_label", path, line)
        if label == NO_GOLD_LABEL:
            continue
        _check(label, spec, path, line)
        name = id_at(row, "pairID", path, line) if "pairID" in row else str(line)
        text_a, text_b = (text_at(row, key, path, line) for key in ("sentence1", "sentence2"))
        domain = optional_text(row, "genre", path, line) or default
        examples.append(PairExample(name, text_a, text_b, label, domain))
    return checked(examples, path)


def read_anli(path: Path, spec: TaskSpec) -> list[PairExample]:
    """ANLI's JSON lines; the domain is the round, which the name of the folder tells.

    Raises:
        UserError: see `read_json_lines` and `checked`; an unknown label.
    """
    examples = []
    for line, row in read_json_lines(path, ("uid", "context", "hypothesis")):
        label = None
        if "label" in row:
            letter = text_at(row, "label", path, line)
            if letter not in _ANLI_LABELS:
                raise unknown_label(letter, tuple(_ANLI_LABELS), path, line)
            label = _ANLI_LABELS[letter]
        name = id_at(row, "uid", path, line)
        text_a, text_b = (text_at(row, key, path, line) for key in ("context", "hypothesis"))
        examples.append(PairExample(name, text_a, text_b, label, path.parent.name))
    return checked(examples, path)


def read_pair_tsv(path: Path, spec: TaskSpec) -> list[PairExample]:
    """XTREME's XNLI and PAWS-X files without a header: two texts and, where published, the label.

    An example's id is its line number, which is the same in all languages.

    Raises:
        UserError: see `read_fields` and `checked`; an unknown label.
    """
    examples = []
    for line, fields in read_fields(path, (2, 3)):
        label = fields[2] if len(fields) == 3 else None
        if label is not None:
            _check(label, spec, path, line)
        examples.append(PairExample(str(line), fields[0], fields[1], label))
    return checked(examples, path)


def read_pawsx_tsv(path: Path, spec: TaskSpec) -> list[PairExample]:
    """PAWS-X's own files; ids are the same in all languages.

    Raises:
        UserError: see `read_columns` and `checked`; an unknown label, an empty id.
    """
    examples = []
    columns = ("id", "sentence1", "sentence2", "label")
    for line, (name, text_a, text_b, label) in read_columns(path, columns):
        _check(label, spec, path, line)
        if not name:
            raise UserError("an empty id", file=path, line=line)
        examples.append(PairExample(name, text_a, text_b, label))
    return checked(examples, path)


def read_qqp_tsv(path: Path, spec: TaskSpec) -> list[PairExample]:
    """QQP as in GLUE. Its ids are not unique in every copy, so line numbers stand for them.

    Pairs with a line break in a question are left out, as GLUE's loaders do.

    Raises:
        UserError: see `read_columns` and `checked`; an unknown label, more than a few broken lines.
    """
    examples = []
    columns = ("question1", "question2", "is_duplicate")
    for line, (text_a, text_b, label) in read_columns(path, columns, _BROKEN_QQP_LINES):
        _check(label, spec, path, line)
        examples.append(PairExample(str(line), text_a, text_b, label))
    return checked(examples, path)


def _check(label: str, spec: TaskSpec, path: Path, line: int) -> None:
    if label not in spec.labels:
        raise unknown_label(label, spec.labels, path, line)

"""Pair classification: NLI as JSON lines or TSV, PAWS-X and QQP as TSV with a header."""

from pathlib import Path

from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import PairExample
from dstilts.tasks.readers.files import (
    read_columns,
    read_json_lines,
    read_lines,
    text_at,
    unique_ids,
    unknown_label,
    wrong_fields,
)

# At most this share: a few questions of GLUE's train file go on in the next line.
_BROKEN_QQP_LINES = 0.001

# SNLI and MNLI mark pairs on which the annotators did not agree; they have no gold label.
NO_GOLD_LABEL = "-"


def read_nli_jsonl(path: Path, spec: TaskSpec) -> list[PairExample]:
    """MNLI's and SNLI's own JSON lines; pairs without a gold label are left out, as in jiant.

    Raises:
        UserError: see `read_json_lines`; an unknown label, a duplicate id.
    """
    examples = []
    for line, row in read_json_lines(path, ("gold_label", "sentence1", "sentence2")):
        label = str(row["gold_label"])
        if label == NO_GOLD_LABEL:
            continue
        _check(label, spec, path, line)
        name = str(row.get("pairID", line))
        text_a, text_b = (text_at(row, key, path, line) for key in ("sentence1", "sentence2"))
        examples.append(PairExample(name, text_a, text_b, label))
    return unique_ids(examples, path)


def read_nli_tsv(path: Path, spec: TaskSpec) -> list[PairExample]:
    """XTREME's XNLI files without a header: premise, hypothesis and, where published, the label.

    An example's id is its line number, which is the same in all languages.

    Raises:
        UserError: see `read_lines`; another number of columns, an unknown label.
    """
    examples = []
    for line, text in read_lines(path):
        fields = text.split("\t")
        if len(fields) not in (2, 3):
            raise wrong_fields(path, line, 3, len(fields))
        label = fields[2] if len(fields) == 3 else None
        if label is not None:
            _check(label, spec, path, line)
        examples.append(PairExample(str(line), fields[0], fields[1], label))
    return examples


def read_pawsx_tsv(path: Path, spec: TaskSpec) -> list[PairExample]:
    """PAWS-X's own files; ids are the same in all languages.

    Raises:
        UserError: see `read_columns`; an unknown label, a duplicate id.
    """
    examples = []
    columns = ("id", "sentence1", "sentence2", "label")
    for line, (name, text_a, text_b, label) in read_columns(path, columns):
        _check(label, spec, path, line)
        examples.append(PairExample(name, text_a, text_b, label))
    return unique_ids(examples, path)


def read_qqp_tsv(path: Path, spec: TaskSpec) -> list[PairExample]:
    """QQP as in GLUE. Its ids are not unique in every copy, so line numbers stand for them.

    Pairs with a line break in a question are left out, as GLUE's loaders do.

    Raises:
        UserError: see `read_columns`; an unknown label, more than a few broken lines.
    """
    examples = []
    columns = ("question1", "question2", "is_duplicate")
    for line, (text_a, text_b, label) in read_columns(path, columns, _BROKEN_QQP_LINES):
        _check(label, spec, path, line)
        examples.append(PairExample(str(line), text_a, text_b, label))
    return examples


def _check(label: str, spec: TaskSpec, path: Path, line: int) -> None:
    if label not in spec.labels:
        raise unknown_label(label, spec.labels, path, line)

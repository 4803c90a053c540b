"""Reading translated training sets: `<folder>/<task>/<language>`, one file a language.

By kind of task:

* pair: `de.tsv`, a header with `text_a`, `text_b`, `label` and, if wanted, `id`, between tabs.
* choice: `de.jsonl`, an object a line: `context` (may be missing), `question`, `choices` (a list),
  `label` (the index of the right choice, from 0) and, if wanted, `id`.
* span: `de.json`, in the layout of SQuAD.
* tagging: `de.tsv`, a word, a tab and its tag a line, sentences apart by an empty line.

Each plain or as .gz. Without ids, the numbers of lines stand for them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.core.registry import unknown
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.examples import ChoiceExample, Example, ExampleSet, PairExample
from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.readers.checks import checked, is_unlabelled, unknown_label
from dstilts.tasks.readers.columns import read_columns
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.json_values import (
    id_at,
    list_at,
    number_at,
    optional_text,
    read_json_lines,
    text_at,
)
from dstilts.tasks.readers.spans import read_squad
from dstilts.tasks.readers.tagging import read_tagging_tsv


def load_translations(
    folder: Path, task_name: str, languages: Sequence[str] = ()
) -> list[ExampleSet]:
    """The translated training sets of a task, in the order of `languages`.

    Args:
        languages: empty: all that are there, in alphabetical order.

    Raises:
        UserError: an unknown language, a kind of task that is not read, no file, or a broken one.
    """
    spec = task(task_name)
    if spec.kind not in _LAYOUTS:
        raise UserError(f"no translations are read for {task_name}, a task of kind {spec.kind}")
    suffix, _ = _LAYOUTS[spec.kind]
    there = {
        path.name.partition(".")[0]: path
        # Of a file that is there twice, the plain one.
        for path in sorted((folder / task_name).glob(f"*.{suffix}*"), reverse=True)
        if path.name.partition(".")[2] in (suffix, f"{suffix}.gz")
    }
    for code in (*languages, *there):
        if code not in LANGUAGES:
            raise unknown("language", code, LANGUAGES, file=there.get(code))
    missing = [code for code in languages if code not in there]
    if missing or not there:
        code = missing[0] if missing else "LANGUAGE"
        raise UserError(
            f"no translations of {task_name}" + (f" into {code!r}" if missing else ""),
            file=folder,
            remedy=f"looked for {task_name}/{code}.{suffix} (plain or .gz)",
        )
    return [_load(there[code], folder, spec, code) for code in languages or sorted(there)]


def _load(path: Path, folder: Path, spec: TaskSpec, language: str) -> ExampleSet:
    _, read = _LAYOUTS[spec.kind]
    examples = tuple(read(path, spec))
    # The readers see to it that all have a label or none.
    if not examples or is_unlabelled(examples[0]):
        raise UserError("nothing to train on: no example has a label", file=path)
    return ExampleSet(
        task=spec.name,
        split="train",
        language=language,
        source="translations",
        examples=examples,
        files=(str(path.relative_to(folder)),),
    )


def _read_pairs(path: Path, spec: TaskSpec) -> list[PairExample]:
    header = next((line for _, line in read_lines(path)), "").split("\t")
    columns = ["text_a", "text_b", "label", *(["id"] if "id" in header else [])]
    examples = []
    for line, (text_a, text_b, label, *name) in read_columns(path, columns):
        if label not in spec.labels:
            raise unknown_label(label, spec.labels, path, line)
        if name == [""]:
            raise UserError("an empty id", file=path, line=line)
        examples.append(PairExample(name[0] if name else str(line), text_a, text_b, label))
    return checked(examples, path)


def _read_choices(path: Path, spec: TaskSpec) -> list[ChoiceExample]:
    examples = [
        ChoiceExample(
            id=id_at(row, "id", path, line) if "id" in row else str(line),
            context=optional_text(row, "context", path, line),
            question=text_at(row, "question", path, line),
            choices=_choices(row, spec, path, line),
            label=_label(row, spec, path, line),
        )
        for line, row in read_json_lines(path, ("question", "choices", "label"))
    ]
    return checked(examples, path)


def _choices(row: dict[str, Any], spec: TaskSpec, path: Path, line: int) -> tuple[str, ...]:
    choices = list_at(row, "choices", path, line)
    if len(choices) != spec.num_choices:
        problem = f"{len(choices)} choices where {spec.num_choices} are expected"
        raise UserError(problem, file=path, line=line)
    return tuple(text_at({"choices": text}, "choices", path, line) for text in choices)


def _label(row: dict[str, Any], spec: TaskSpec, path: Path, line: int) -> int:
    label = number_at(row, "label", path, line)
    known = range(spec.num_choices or 0)
    if label not in known:
        raise unknown_label(str(label), [str(index) for index in known], path, line)
    return label


_Reader = Callable[[Path, TaskSpec], Sequence[Example]]
_LAYOUTS: dict[str, tuple[str, _Reader]] = {
    "pair": ("tsv", _read_pairs),
    "choice": ("jsonl", _read_choices),
    "span": ("json", read_squad),
    "tagging": ("tsv", read_tagging_tsv),
}

"""Examples from the hub, when a network (or the library's cache) is there."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS, TaskSpec, task
from dstilts.tasks.examples import Example, ExampleSet
from dstilts.tasks.hub.tables import HUB_TABLES, NOT_ON_THE_HUB, HubTable
from dstilts.tasks.languages import LANGUAGES

if TYPE_CHECKING:
    from datasets import Dataset

# (path, configuration, split, revision) -> table; `datasets.load_dataset` but for errors.
Loader = Callable[[str, str | None, str, str | None], "Dataset"]


class HubSource:
    """Reads the tables of `tables`.

    Args:
        load_table: gives a table; without it the `datasets` library.
    """

    name = "hub"

    def __init__(self, load_table: Loader | None = None) -> None:
        self._load_table = load_table or _from_hub

    def tasks(self) -> tuple[str, ...]:
        """The tasks that the hub has, whether or not it can be reached."""
        return tuple(name for name in TASKS if name in HUB_TABLES)

    def languages(self, task_name: str, split: str) -> tuple[str, ...]:
        """The languages of a split. Training is on English, but for mlm."""
        spec = task(task_name)
        table = HUB_TABLES.get(task_name)
        if table is None or split not in table.splits:
            return ()
        if split == "train" and spec.kind != "mlm":
            return ("en",)
        return tuple(code for code in spec.languages if code in (table.only or spec.languages))

    def load(self, task_name: str, split: str, language: str) -> ExampleSet:
        """The examples of one task, split and language.

        Raises:
            UserError: the hub has no such split, cannot be reached, or its table has changed.
        """
        spec = task(task_name)
        table = self._table(spec, split, language)
        examples: list[Example] = []
        for name in table.splits[split]:
            examples += self._read(table, spec, name, language)
        if not examples:
            raise UserError(f"no examples of {task_name} ({split}, {language}) on the hub")
        place = "/".join(filter(None, (table.path, table.config_of(language))))
        return ExampleSet(
            task=task_name,
            split=split,
            language=language,
            source=self.name,
            examples=tuple(examples),
            subset=table.note,
            files=tuple(f"{place}:{name}" for name in table.splits[split]),
        )

    def identity(self) -> dict[str, object]:
        """The hub has no state that can be asked for; examples are keyed by their own content."""
        return {"name": self.name, "library": self._version}

    @cached_property
    def _version(self) -> str:
        import datasets

        return str(datasets.__version__)

    def _table(self, spec: TaskSpec, split: str, language: str) -> HubTable:
        if spec.name not in HUB_TABLES:
            why = NOT_ON_THE_HUB.get(spec.name, "no table is known")
            raise UserError(f"{spec.name} is not on the hub: {why}", remedy="use a folder of files")
        if language not in self.languages(spec.name, split):
            there = ", ".join(self.languages(spec.name, split)) or "none"
            raise UserError(
                f"the hub has no {split!r} split of {spec.name} in {language!r}",
                remedy=f"languages there: {there}",
            )
        return HUB_TABLES[spec.name]

    def _read(
        self, table: HubTable, spec: TaskSpec, split: str, language: str
    ) -> Iterator[Example]:
        config = table.config_of(language)
        rows = self._load_table(table.path, config, split, table.revision)
        place = f"{table.path} ({config or 'default'}, {split})"
        missing = [name for name in table.columns if name not in rows.column_names]
        if missing:
            raise UserError(
                f"{place} lacks the column {missing[0]!r}",
                remedy=f"it has: {', '.join(rows.column_names)}",
            )
        several = max(map(len, table.splits.values())) > 1
        prefix = f"{LANGUAGES[language].name.lower()}-" if table.id_prefix else ""
        for number, row in enumerate(_named(rows), start=1):
            if prefix and not row["id"].startswith(prefix):
                continue
            try:
                found = table.reader(row, number)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise UserError(f"{place}: row {number} cannot be read: {error!r}") from None
            for example in found if isinstance(found, tuple) else (found,):
                if example is not None:
                    where = f"{place}, row {number}"
                    yield _checked(example, spec, where, split if several else "")


def _named(rows: Any) -> Iterator[dict[str, Any]]:
    """The rows with the names of class labels; a label of -1 becomes None."""
    from datasets import ClassLabel

    labels: dict[str, ClassLabel] = {}
    lists: dict[str, ClassLabel] = {}
    for column, feature in rows.features.items():
        inner = getattr(feature, "feature", None)
        if isinstance(feature, ClassLabel):
            labels[column] = feature
        elif isinstance(inner, ClassLabel):
            lists[column] = inner
    for row in rows:
        for column, feature in labels.items():
            number = row[column]
            row[column] = None if number is None or number < 0 else feature.int2str(number)
        for column, feature in lists.items():
            row[column] = [feature.int2str(number) for number in row[column]]
        yield row


def _checked(example: Example, spec: TaskSpec, place: str, split: str) -> Example:
    label = getattr(example, "label", None)
    if spec.kind == "pair" and label is not None and label not in spec.labels:
        raise UserError(
            f"{place}: unknown label {label!r}", remedy=f"known: {', '.join(spec.labels)}"
        )
    return dataclasses.replace(example, id=f"{split}-{example.id}") if split else example


def _from_hub(path: str, config: str | None, split: str, revision: str | None) -> "Dataset":
    from datasets import load_dataset

    try:
        return load_dataset(path, config, split=split, revision=revision)
    except Exception as error:
        # The library raises errors of many packages for a missing network, data set or split.
        raise UserError(
            f"the hub gave no table {path} ({config or 'default'}, {split}): "
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            remedy="check the network, or use a folder of files",
        ) from None

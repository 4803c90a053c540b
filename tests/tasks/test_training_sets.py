"""Training sets: cleared of what is evaluated, joined from parts, mixed from many languages."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS, task
from dstilts.tasks.examples import (
    Example,
    ExampleSet,
    PairExample,
    TaggingExample,
    TextExample,
)
from dstilts.tasks.leakage import overlap
from dstilts.tasks.local import LocalSource
from dstilts.tasks.training_sets import training_set, with_labels


class MadeUp:
    """A source of given sets."""

    name = "made up"

    def __init__(self, **sets: Sequence[Example]) -> None:
        # By "task_split_language".
        self._sets = {tuple(name.rsplit("_", 2)): tuple(found) for name, found in sets.items()}

    def tasks(self) -> tuple[str, ...]:
        return tuple({name for name, *_ in self._sets})

    def languages(self, task: str, split: str) -> tuple[str, ...]:
        return tuple(code for name, part, code in self._sets if (name, part) == (task, split))

    def load(self, task: str, split: str, language: str) -> ExampleSet:
        return ExampleSet(task, split, language, self.name, self._sets[task, split, language])

    def identity(self) -> dict[str, object]:
        return {"name": self.name, "object": id(self)}


def pairs(prefix: str, number: int) -> list[PairExample]:
    return [PairExample(str(i), f"{prefix}{i}", "h", "neutral") for i in range(number)]


def texts(prefix: str, number: int) -> list[TextExample]:
    return [TextExample(str(i), f"{prefix}{i}") for i in range(number)]


def test_a_training_set_is_cleared_of_every_language_of_every_task_it_trains() -> None:
    source = MadeUp(
        mnli_train_en=pairs("m", 5),
        mnli_dev_en=pairs("m", 1),
        xnli_test_de=[PairExample("x", "M3", "h", "entailment")],
    )
    training = training_set(source, "mnli")
    assert [example.id for example in training.examples] == ["1", "2", "4"]
    assert training.subset == "less 2 that stand in an evaluation set"
    assert training_set(source, "mnli") is training


def test_the_dev_set_trains_where_it_is_asked_for() -> None:
    source = MadeUp(pawsx_dev_en=pairs("p", 4), pawsx_test_de=pairs("p", 1))
    training = training_set(source, "pawsx", split="dev")
    assert [example.id for example in training.examples] == ["1", "2", "3"]
    assert training.subset == "the dev set; less 1 that stand in an evaluation set"


def test_anli_plus_joins_its_parts_and_clears_each() -> None:
    source = MadeUp(
        anli_train_en=pairs("a", 2),
        mnli_train_en=pairs("m", 3),
        snli_train_en=pairs("s", 4),
        xnli_dev_fr=pairs("m", 1),
    )
    training = training_set(source, "anli_plus")
    assert Counter(example.id.split("-")[0] for example in training.examples) == {
        "anli": 2,
        "mnli": 2,
        "snli": 4,
    }
    assert training.task == "anli_plus"
    assert training.subset == "mnli: less 1 that stand in an evaluation set"
    assert task("anli_plus").head == task("mnli").head == task("xnli").head


@pytest.mark.parametrize(("exponent", "expected"), [(1.0, (900, 100)), (0.0, (500, 500))])
def test_smoothing_shifts_the_shares_of_languages(
    exponent: float, expected: tuple[int, int]
) -> None:
    source = MadeUp(mlm_train_de=texts("d", 900), mlm_train_yo=texts("y", 100))
    training = training_set(source, "mlm", smoothing=exponent)
    counts = Counter(example.text for example in training.examples)
    found = tuple(sum(n for text, n in counts.items() if text[0] == c) for c in "dy")
    assert found == expected
    assert training.language == "mul"
    assert len({example.id for example in training.examples}) == 1000
    # Of a language that is repeated every text stands about equally often.
    yoruba = [n for text, n in counts.items() if text[0] == "y"]
    assert len(yoruba) == 100
    assert max(yoruba) - min(yoruba) <= 1


def test_smoothing_by_a_root() -> None:
    source = MadeUp(mlm_train_de=texts("d", 900), mlm_train_yo=texts("y", 100))
    training = training_set(source, "mlm", smoothing=0.5)
    assert sum(example.text[0] == "y" for example in training.examples) == 250
    assert training.subset is not None
    assert "yo 250/100" in training.subset


def test_languages_of_mlm_are_chosen_and_checked() -> None:
    source = MadeUp(mlm_train_de=texts("d", 9), mlm_train_yo=texts("y", 9))
    training = training_set(source, "mlm", languages=("yo",))
    assert {example.text[0] for example in training.examples} == {"y"}
    assert training.language == "yo"
    with pytest.raises(UserError, match="no raw text in 'fr'"):
        training_set(source, "mlm", languages=("fr",))


def test_open_labels_are_those_of_the_training_set() -> None:
    training = ExampleSet("ccg", "train", "en", "x", (TaggingExample("1", ("a", "b"), ("N", "A")),))
    assert with_labels(task("ccg"), training).labels == ("A", "N")
    assert with_labels(task("udpos"), training) is task("udpos")


def test_a_changed_folder_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "udpos" / "xtreme" / "train-en.tsv"
    file.parent.mkdir(parents=True)
    file.write_text("Hi\tINTJ\n")
    source = LocalSource(tmp_path)
    assert training_set(source, "udpos") is training_set(source, "udpos")
    file.write_text("Hi\tINTJ\n\nGo\tVERB\n")
    assert len(training_set(source, "udpos")) == 2


@pytest.mark.data
def test_no_training_set_shares_a_text_with_what_it_is_evaluated_on(data_folder: Path) -> None:
    source = LocalSource(data_folder)
    for name, spec in TASKS.items():
        if spec.train_task not in (None, "mlm", name if spec.parts else None) and source.languages(
            spec.train_task, "train"
        ):
            training = training_set(source, spec.train_task)
            for split in ("dev", "test"):
                # All languages would take a minute; what English texts share is in few of them.
                for language in {"de", "en"}.intersection(source.languages(name, split)):
                    assert not overlap(training, source.load(name, split, language))

"""Every row of the catalog is consistent, and the benchmarks' languages are those they publish."""

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS, TaskSpec, task
from dstilts.tasks.languages import LANGUAGES

SPECS = [pytest.param(spec, id=name) for name, spec in TASKS.items()]


@pytest.mark.parametrize("spec", SPECS)
def test_a_row_is_consistent(spec: TaskSpec) -> None:
    assert set(spec.languages) <= set(LANGUAGES)
    assert list(spec.languages) == sorted(set(spec.languages))
    assert spec.main_metric in spec.metrics
    assert spec.roles
    assert len(set(spec.labels)) == len(spec.labels)
    assert bool(spec.labels) == (spec.kind in ("pair", "tagging"))
    assert (spec.num_choices is not None) == (spec.kind == "choice")
    assert (spec.head is None) == (spec.kind == "retrieval") == (spec.train_task is None)
    assert spec.eval_split in spec.published_sizes


@pytest.mark.parametrize("spec", SPECS)
def test_the_training_task_fits_the_head(spec: TaskSpec) -> None:
    if spec.train_task is not None:
        training = TASKS[spec.train_task]
        assert training.train_task == training.name
        assert (training.kind, training.head) == (spec.kind, spec.head)
        assert (training.labels, training.num_choices) == (spec.labels, spec.num_choices)


def test_tasks_that_share_a_head_have_the_same_outputs() -> None:
    heads = {(spec.head, spec.kind, spec.labels) for spec in TASKS.values() if spec.head}
    assert len({head for head, *_ in heads}) == len(heads)


@pytest.mark.parametrize(
    ("name", "count"),
    [("xnli", 15), ("pawsx", 7), ("udpos", 33), ("xquad", 11), ("tydiqa", 9), ("tatoeba", 36)],
)
def test_as_many_languages_as_xtreme(name: str, count: int) -> None:
    # Romanian XQuAD and the five treebanks and Tatoeba languages more are XTREME-R's.
    later = {"az", "lt", "pl", "ro", "uk", "wo"}
    assert len(set(task(name).languages) - later) == count


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown task 'xnl'; did you mean 'xnli'\?"):
        task("xnl")

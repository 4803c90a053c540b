"""Every row of the catalog is consistent, and the benchmarks' languages are those they publish."""

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.benchmarks import benchmark
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
    assert bool(spec.labels) == (spec.kind in ("pair", "tagging") and not spec.open_labels)
    assert (spec.protocol is not None) == (spec.kind == "retrieval")
    assert set(spec.parts) <= set(TASKS)
    assert (spec.num_choices is not None) == (spec.kind == "choice")
    assert (spec.head is None) == (spec.train_task is None)
    # Sizes are not known where no distribution was at hand.
    known = spec.name not in ("ccg", "mlm", "bucc2018", "mewslix") and not spec.parts
    assert (spec.eval_split in spec.published_sizes) == known


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
    [
        (
            "xtreme",
            "pawsx 7 xnli 15 udpos 33 panx 40 xquad 11 mlqa 7 tydiqa 9 bucc2018 4 tatoeba 36",
        ),
        (
            "xtreme-r",
            "xnli 15 xcopa 11 udpos 38 panx 48 xquad 12 mlqa 7 tydiqa 9 tatoeba 41 mewslix 11 "
            "lareqa 11",
        ),
    ],
)
def test_as_many_languages_as_the_benchmarks(name: str, count: str) -> None:
    found = {task: len(codes) for task, codes in benchmark(name).languages.items()}
    words = count.split()
    assert found == dict(zip(words[::2], map(int, words[1::2]), strict=True))
    grouped = [task for tasks in benchmark(name).groups.values() for task in tasks]
    assert sorted(grouped) == sorted(found)
    every = {code for codes in benchmark(name).languages.values() for code in codes}
    assert len(every) == {"xtreme": 40, "xtreme-r": 50}[name]


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown task 'xnl'; did you mean 'xnli'\?"):
        task("xnl")

"""What there is of each task."""

from dstilts.tasks.catalog import TASKS
from dstilts.tasks.phrasebook.format import available_languages
from dstilts.tasks.phrasebook.parts import PARTS, part_languages, parts_of


def test_every_task_has_what_training_and_evaluation_need() -> None:
    assert len({(part.task, part.split) for part in PARTS}) == len(PARTS)
    for spec in TASKS.values():
        if spec.parts:
            assert not any(part.task == spec.name for part in PARTS)
            continue
        assert parts_of(spec.name, spec.eval_split), spec.name
        if spec.train_task == spec.name:
            assert parts_of(spec.name, "train"), spec.name
        if "target" in spec.roles:
            assert parts_of(spec.name, spec.eval_split)[0].pool == "test"


def test_training_uses_training_entries() -> None:
    assert all(part.pool == "train" for part in PARTS if part.split == "train")
    assert all(part.pool == "test" for part in PARTS if part.split == "test")


def test_every_intermediate_task_is_asked_in_every_language_somewhere() -> None:
    # As itself, or as a target task with the same head and the same labels or choices.
    everywhere = {
        (TASKS[part.task].head, TASKS[part.task].num_choices)
        for part in PARTS
        if part.pool == "test" and set(part_languages(part)) == set(available_languages())
    } | {("mlm", None)}
    english_only = {"ccg", "ccg_pmb"}
    for spec in TASKS.values():
        if "intermediate" in spec.roles and spec.name not in english_only:
            assert (spec.head, spec.num_choices) in everywhere, spec.name

"""The catalog: one row a task, with languages as an axis of the row."""

from dstilts.core.registry import lookup
from dstilts.tasks.intermediate_tasks import INTERMEDIATE_TASKS
from dstilts.tasks.intermediate_tasks import NLI_LABELS as NLI_LABELS
from dstilts.tasks.target_tasks import TARGET_TASKS
from dstilts.tasks.target_tasks import UPOS as UPOS
from dstilts.tasks.task_spec import TaskSpec as TaskSpec

TASKS: dict[str, TaskSpec] = {spec.name: spec for spec in (*INTERMEDIATE_TASKS, *TARGET_TASKS)}


def task(name: str) -> TaskSpec:
    """The row of a task.

    Raises:
        UserError: there is no such task; the message carries the nearest known name.
    """
    return lookup("task", name, TASKS)

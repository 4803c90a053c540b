"""The grid's expansion: training phases keyed by what determines them, and cells to evaluate."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from dstilts.checkpoints.manifest import Role
from dstilts.core.digest import short_key
from dstilts.engine.phase import PhaseConfig, ScheduleConfig, TaskUse
from dstilts.sweep.grid import Grid, Target

# Part of every key; raised when a change of the code changes what a phase computes.
CODE_EPOCH = 2


@dataclass(frozen=True)
class PhaseNode:
    """One training phase. `needs` is the key of the phase it starts from, None for the encoder."""

    key: str
    phase: PhaseConfig
    needs: str | None = None


@dataclass(frozen=True)
class Cell:
    """One cell of the grid: a model, and the tasks it is evaluated on in all languages."""

    intermediate: str
    target: str
    seed: int
    model: str  # a published folder, or the encoder itself
    evaluate: tuple[str, ...]
    needs: str | None = None  # the key of the phase that makes the model
    limit: int | None = None


@dataclass(frozen=True)
class Graph:
    """Phases in an order in which each comes after the one it needs, and the cells."""

    phases: tuple[PhaseNode, ...]
    cells: tuple[Cell, ...]


class GraphBuilder:
    """Expands one grid.

    Args:
        encoder: the name or folder the first phases start from.
        encoder_key: the digest of that encoder.
        data_digests: for each use of a task and seed, the digest of the training examples it takes.
        models: the folder in which published models stand, named by phase and key.
    """

    def __init__(
        self,
        grid: Grid,
        *,
        encoder: str,
        encoder_key: str,
        data_digests: dict[tuple[TaskUse, int], str],
        models: Path,
    ) -> None:
        self._grid = grid
        self._encoder = encoder
        self._encoder_key = encoder_key
        self._data_digests = data_digests
        self._models = models
        self._nodes: dict[str, PhaseNode] = {}

    def build(self) -> Graph:
        """The graph: a phase that two cells share is one node."""
        cells = []
        for seed in self._grid.seeds:
            roots: list[tuple[str, PhaseNode | None]] = [("none", None)]
            for row in self._grid.intermediates:
                node = self._phase(row.name, "intermediate", row.tasks, row.schedule, seed, None)
                roots.append((row.name, node))
            for name, root in roots:
                cells += [self._cell(name, root, column, seed) for column in self._grid.targets]
        # Children of the same depth stand together, so that one launch can train them in turn.
        order = sorted(self._nodes.values(), key=lambda node: node.needs is not None)
        return Graph(tuple(order), tuple(cells))

    def _cell(self, name: str, root: PhaseNode | None, column: Target, seed: int) -> Cell:
        node = root
        if column.tasks:
            node = self._phase(column.name, "target", column.tasks, column.schedule, seed, root)
        return Cell(
            intermediate=name,
            target=column.name,
            seed=seed,
            model=str(node.phase.output) if node else self._encoder,
            needs=node.key if node else None,
            evaluate=column.evaluate,
            limit=column.limit,
        )

    def _phase(
        self,
        name: str,
        role: Role,
        tasks: tuple[TaskUse, ...],
        schedule: ScheduleConfig | None,
        seed: int,
        parent: PhaseNode | None,
    ) -> PhaseNode:
        grid = self._grid
        phase = PhaseConfig(
            name=name,
            role=role,
            parent=str(parent.phase.output) if parent else self._encoder,
            output=Path(),
            seed=seed,
            tasks=tasks,
            data=grid.data,
            mixture=grid.mixture,
            schedule=schedule or grid.schedule,
            batch=grid.batch,
            engine=grid.engine,
        )
        key = self._key(phase, parent)
        label = f"{parent.phase.name}--{name}" if parent else name
        output = self._models / f"{label}-s{seed}-{key}"
        node = PhaseNode(
            key=key,
            needs=parent.key if parent else None,
            phase=dataclasses.replace(phase, key=key, output=output),
        )
        return self._nodes.setdefault(key, node)

    def _key(self, phase: PhaseConfig, parent: PhaseNode | None) -> str:
        """What determines the result: not names, folders, or how often the run logs or saves."""
        table = phase.substance()
        for elsewhere in ("parent", "data"):
            table.pop(elsewhere, None)
        return short_key(
            {
                "phase": table,
                "data": [self._data_digests[use, phase.seed] for use in phase.tasks],
                "parent": parent.key if parent else self._encoder_key,
                "epoch": CODE_EPOCH,
            }
        )

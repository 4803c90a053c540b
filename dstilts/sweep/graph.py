"""The grid's expansion: phases and evaluations as nodes, keyed by what determines their results."""

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dstilts.checkpoints.manifest import Role
from dstilts.core.digest import KEY_LENGTH, short_key, stream_digest
from dstilts.engine.phase import BatchConfig, MixtureConfig, PhaseConfig, ScheduleConfig, TaskUse
from dstilts.evaluation.plan import EVALUATION_VERSION
from dstilts.sweep.grid import Grid, Target
from dstilts.sweep.ingredients import Ingredients, task_key, use_key

# Part of every key; raised when a change of the code changes what a phase computes.
CODE_EPOCH = 3

_ROLES: tuple[Role, ...] = ("pretraining", "intermediate", "target")  # in the order of training


@dataclass(frozen=True)
class Parts:
    """What a node's key is the digest of: when one changes, the node has to run, and why."""

    config: str
    data: str
    parent: str
    epoch: int

    @property
    def key(self) -> str:
        """Of the node."""
        whole = stream_digest([self.config, self.data, self.parent, str(self.epoch)])
        return whole[:KEY_LENGTH]


@dataclass(frozen=True)
class PhaseNode:
    """One training phase. `needs` is the key of the phase it starts from, None for the encoder."""

    key: str
    phase: PhaseConfig
    parts: Parts
    needs: str | None = None

    @property
    def title(self) -> str:
        """The phases on the way to the model, and the seed."""
        return f"{self.phase.output.name.rpartition('-s')[0]}, seed {self.phase.seed}"


@dataclass(frozen=True)
class Asked:
    """A task of an evaluation, its languages, and how many examples of each."""

    task: str
    languages: tuple[str, ...]
    limit: int | None = None


@dataclass(frozen=True)
class EvaluationNode:
    """One model on all tasks that the grid asks of it."""

    key: str
    title: str
    model: str  # a published folder, or the encoder itself
    asked: tuple[Asked, ...]
    parts: Parts
    needs: str | None = None  # the key of the phase that makes the model


Node = PhaseNode | EvaluationNode


@dataclass(frozen=True)
class Cell:
    """One cell of the grid: a model, and the tasks it is evaluated on in all languages."""

    intermediate: str
    target: str
    seed: int
    model: str
    evaluate: tuple[str, ...]
    needs: str | None = None  # the key of the phase that makes the model
    evaluation: str = ""  # the key of the evaluation


@dataclass(frozen=True)
class Graph:
    """Nodes, each after the one it needs and the first seed before the second; and the cells."""

    nodes: tuple[Node, ...]
    cells: tuple[Cell, ...]

    @property
    def phases(self) -> tuple[PhaseNode, ...]:
        """The nodes that train."""
        return tuple(node for node in self.nodes if isinstance(node, PhaseNode))

    @property
    def evaluations(self) -> tuple[EvaluationNode, ...]:
        """The nodes that evaluate."""
        return tuple(node for node in self.nodes if isinstance(node, EvaluationNode))

    def only(self, keys: Collection[str]) -> "Graph":
        """The graph of some nodes alone; all, where no key is given."""
        if not keys:
            return self
        return Graph(tuple(node for node in self.nodes if node.key in keys), self.cells)

    @cached_property
    def by_key(self) -> dict[str, Node]:
        """The nodes by their keys."""
        return {node.key: node for node in self.nodes}


@dataclass(frozen=True)
class _Step:
    """A row or a column of the grid with a seed: a phase but for its parent."""

    name: str
    role: Role
    tasks: tuple[TaskUse, ...]
    seed: int
    schedule: ScheduleConfig | None = None
    mixture: MixtureConfig | None = None
    batch: BatchConfig | None = None
    from_scratch: bool = False


@dataclass
class _Model:
    """A model of the grid and what is asked of it; None for `node`: the encoder itself."""

    node: PhaseNode | None
    asked: dict[Asked, str]  # with the digest of the examples
    cells: list[Cell]


class GraphBuilder:
    """Expands one grid; `models` is the folder in which published models stand."""

    def __init__(self, grid: Grid, ingredients: Ingredients, models: Path) -> None:
        self._grid = grid
        self._of = ingredients
        self._models = models
        self._phases: dict[str, PhaseNode] = {}
        self._evaluated: dict[str, _Model] = {}
        # Thousands of nodes differ in nothing but the parent.
        self._templates: dict[_Step, tuple[PhaseConfig, str, str]] = {}
        self._shared: dict[_Step, tuple[PhaseConfig, str]] = {}
        options = [grid.evaluation, grid.batch.max_length, grid.batch.max_length_span]
        self._options = short_key(options)

    def build(self) -> Graph:
        """The graph: a phase or an evaluation that two cells share is one node."""
        nodes: dict[str, Node] = {}
        cells: list[Cell] = []
        for seed in self._grid.seeds:
            self._phases, self._evaluated = {}, {}
            self._expand(seed)
            depth = sorted(self._phases.values(), key=lambda node: _ROLES.index(node.phase.role))
            for phase in depth:
                nodes.setdefault(phase.key, phase)
            for model in self._evaluated.values():
                evaluation = self._evaluation(model)
                nodes.setdefault(evaluation.key, evaluation)
                cells += [dataclasses.replace(c, evaluation=evaluation.key) for c in model.cells]
        return Graph(tuple(nodes.values()), tuple(cells))

    def _expand(self, seed: int) -> None:
        first = self._pretrained()
        roots: list[tuple[str, PhaseNode | None]] = [("none", first)]
        for row in self._grid.intermediates:
            step = _Step(row.name, "intermediate", row.tasks, seed, row.schedule, row.mixture)
            node = self._phase(step, first)
            roots.append((row.name, node))
        for name, root in roots:
            for column in self._grid.targets:
                self._cell(name, root, column, seed)

    def _pretrained(self) -> PhaseNode | None:
        """The phase that makes the encoder, where the grid has one."""
        first = self._grid.pretraining
        if first is None:
            return None
        step = _Step(
            name="pretraining",
            role="pretraining",
            tasks=first.tasks,
            seed=first.seed,
            schedule=first.schedule,
            batch=first.batch,
            from_scratch=first.from_scratch,
        )
        return self._phase(step, None)

    def _cell(self, name: str, root: PhaseNode | None, column: Target, seed: int) -> None:
        node = root
        if column.tasks:
            step = _Step(column.name, "target", column.tasks, seed, column.schedule)
            node = self._phase(step, root)
        model = self._evaluated.setdefault(node.key if node else "", _Model(node, {}, []))
        for task in column.evaluate:
            data = self._of.evaluation[task_key(task, column.limit)]
            model.asked[Asked(task, data.languages, column.limit)] = data.digest
        model.cells.append(
            Cell(
                intermediate=name,
                target=column.name,
                seed=seed,
                model=str(node.phase.output) if node else self._of.encoder,
                needs=node.key if node else None,
                evaluate=column.evaluate,
            )
        )

    def _evaluation(self, model: _Model) -> EvaluationNode:
        node = model.node
        asked = tuple(sorted(model.asked, key=lambda a: (a.task, a.limit or 0)))
        parts = Parts(
            config=self._options,
            data=stream_digest([f"{a.task} {a.limit} {model.asked[a]}" for a in asked]),
            parent=node.key if node else self._of.encoder_key,
            epoch=EVALUATION_VERSION,
        )
        return EvaluationNode(
            key=parts.key,
            title=f"evaluate {node.title if node else self._grid.encoder}",
            model=str(node.phase.output) if node else self._of.encoder,
            asked=asked,
            parts=parts,
            needs=node.key if node else None,
        )

    def _phase(self, step: "_Step", parent: PhaseNode | None) -> PhaseNode:
        template, config, data = self._template(step)
        parts = Parts(config, data, parent.key if parent else self._of.encoder_key, CODE_EPOCH)
        key = parts.key
        if key not in self._phases:
            label = step.name
            if parent is not None and parent.phase.role != "pretraining":
                label = f"{parent.phase.name}--{step.name}"
            phase = dataclasses.replace(
                template,
                key=key,
                parent=str(parent.phase.output) if parent else self._of.encoder,
                output=self._models / f"{label}-s{step.seed}-{key}",
            )
            self._phases[key] = PhaseNode(key, phase, parts, parent.key if parent else None)
        return self._phases[key]

    def _template(self, step: "_Step") -> tuple[PhaseConfig, str, str]:
        """The phase without its parent, the digest of its configuration, and that of its data."""
        if step not in self._templates:
            phase, config = self._seedless(dataclasses.replace(step, seed=0))
            data = stream_digest([self._of.training[use_key(use, step.seed)] for use in step.tasks])
            phase = dataclasses.replace(phase, seed=step.seed)
            self._templates[step] = phase, f"{config}-{step.seed}", data
        return self._templates[step]

    def _seedless(self, step: "_Step") -> tuple[PhaseConfig, str]:
        """What the seeds of a step share: the phase, and the digest of its configuration."""
        if step not in self._shared:
            grid = self._grid
            phase = PhaseConfig(
                name=step.name,
                role=step.role,
                output=Path(),
                seed=step.seed,
                tasks=step.tasks,
                data=grid.data,
                mixture=step.mixture or grid.mixture,
                schedule=step.schedule or grid.schedule,
                from_scratch=step.from_scratch,
                batch=step.batch or grid.batch,
                engine=grid.engine,
                guards=grid.guards,
            )
            self._shared[step] = phase, short_key(substance(phase))
        return self._shared[step]


def substance(phase: PhaseConfig) -> dict[str, object]:
    """What of a configuration determines the result, beside the parent and the data's content."""
    table = phase.substance()
    for elsewhere in ("parent", "data"):
        table.pop(elsewhere, None)
    return table


def ancestors(graph: Graph, node: Node) -> Iterator[Node]:
    """The nodes that a node needs, nearest first."""
    while node.needs is not None:
        node = graph.by_key[node.needs]
        yield node

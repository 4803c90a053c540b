"""Why a node has to run: it is new, something that determines it has changed, or it was cut off."""

from collections.abc import Mapping
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.sweep.graph import Graph, Node, PhaseNode, substance
from dstilts.sweep.state import Outcome, RunsState

_SHOWN = 3  # changed keys that are named


class Reasons:
    """Says of each missing node of a graph why it has to run."""

    def __init__(self, graph: Graph, state: RunsState, outcomes: Mapping[str, Outcome]) -> None:
        self._state = state
        self._outcomes = outcomes
        self._missing = {node.key for node in state.missing(graph)}
        # Of the same title, the one that was done last: what the node was before it changed.
        self._before: dict[str, Outcome] = {}
        for outcome in sorted(outcomes.values(), key=lambda o: o.finished or 0.0):
            if outcome.done:
                self._before[outcome.title] = outcome

    def why(self, node: Node) -> str:
        """In words; empty for a node that is done."""
        if node.key not in self._missing:
            return ""
        outcome = self._outcomes.get(node.key)
        if outcome is not None and outcome.collected:
            return "its model was removed to make room, and is needed again"
        if outcome is not None and outcome.done:
            return "its records are gone" if not _is_phase(node) else "its model is gone"
        if outcome is not None and outcome.failures:
            return f"failed before: {outcome.failures[-1].reason}"
        if isinstance(node, PhaseNode) and node.phase.run_folder.is_dir():
            return "was interrupted, and goes on where it was saved"
        before = self._before.get(node.title)
        return "new" if before is None else self._changed(node, before)

    def _changed(self, node: Node, before: Outcome) -> str:
        now, then = node.parts, before.parts
        changes = []
        if now.config != then.config:
            keys = self._changed_keys(node, before)
            changes.append(f"its configuration changed{f' ({keys})' if keys else ''}")
        if now.data != then.data:
            changes.append("its data changed")
        if now.parent != then.parent:
            changes.append("what it starts from changed")
        if now.epoch != then.epoch:
            changes.append(f"the code changed (epoch {then.epoch} to {now.epoch})")
        return ", ".join(changes)

    def _changed_keys(self, node: Node, before: Outcome) -> str:
        """The keys that differ from the model of old, where that is still there."""
        if not isinstance(node, PhaseNode):
            return ""
        folder = node.phase.output
        old = folder.with_name(folder.name.replace(node.key, before.key))
        then = _settings(old)
        if then is None:
            return ""
        now = _flat(substance(node.phase))
        before_keys = _flat(then)
        changed = [n for n in now if n in before_keys and now[n] != before_keys[n]]
        words = [f"{name} {before_keys[name]} to {now[name]}" for name in changed[:_SHOWN]]
        more = [f"{len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else []
        return ", ".join(words + more)


def _settings(model: Path) -> dict[str, object] | None:
    try:
        manifest = read_json(model / "manifest.json")
    except UserError:
        return None
    settings: dict[str, object] = manifest["settings"]
    return settings


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _is_phase(node: Node) -> bool:
    return isinstance(node, PhaseNode)

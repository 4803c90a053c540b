"""What training cost: a line a published phase, from its manifest and, if there, its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.core.logs import read_events


@dataclass(frozen=True)
class PhaseCost:
    """One trained phase. None where its run folder does not say."""

    name: str  # with the phases before it: "nli > xnli"
    role: str
    tasks: tuple[str, ...]
    seed: int
    folder: str  # relative to the folder of runs
    examples: int  # in the training sets, however often each was seen
    steps: int | None
    tokens: float | None  # without padding; steps repeated after an interruption count again
    seconds: float | None  # in the loop, over all starts of the phase
    deviations: tuple[str, ...]  # from the paper's procedure


def collect_phases(runs: Path) -> list[PhaseCost]:
    """The phases published anywhere below `runs`: intermediates first, then by name and seed.

    Raises:
        UserError: a manifest is broken.
    """
    manifests = (file for file in sorted(runs.rglob("manifest.json")) if _published(file, runs))
    phases = [_phase(file, runs) for file in manifests]
    return sorted(phases, key=lambda p: (p.role != "intermediate", p.name, p.seed, p.folder))


def deviations(phases: list[PhaseCost]) -> list[str]:
    """Where the phases do other than the paper, each said once."""
    return list(dict.fromkeys(text for phase in phases for text in phase.deviations))


def _published(manifest: Path, runs: Path) -> bool:
    """Whether a manifest is that of a published model: not of a resume point, nor half-written."""
    folders = manifest.relative_to(runs).parts[:-1]
    return not any(name.endswith(".run") or name.startswith(".") for name in folders)


def _phase(manifest: Path, runs: Path) -> PhaseCost:
    # Read as plain JSON: the manifest's own class would import torch for a table.
    value = read_json(manifest)
    folder = manifest.parent
    tokens, seconds = _spent(folder.with_name(f"{folder.name}.run") / "events.jsonl")
    try:
        last = value["lineage"][-1]
        return PhaseCost(
            name=" > ".join(phase["name"] for phase in value["lineage"]),
            role=last["role"],
            tasks=tuple(last["tasks"]),
            seed=last["seed"],
            folder=folder.relative_to(runs).as_posix(),
            examples=sum(used["num_examples"] for used in value["data"].values()),
            steps=value["settings"].get("num_steps"),
            tokens=tokens,
            seconds=seconds,
            deviations=tuple(value["deviations"]),
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"not the manifest of a model ({error!r})", file=manifest) from None


def _spent(events: Path) -> tuple[float | None, float | None]:
    """Tokens and seconds of all starts of a phase; None where its run folder was removed.

    Each "train" event gives the speed since the one before it, or since the start.
    """
    if not events.is_file():
        return None, None
    tokens = seconds = 0.0
    since: float | None = None
    for event in read_events(events):
        moment = _number(event, "time")
        if event.get("event") == "start":
            since = moment
        elif event.get("event") == "train" and since is not None:
            tokens += _number(event, "tokens_per_second") * (moment - since)
            seconds += moment - since
            since = moment
    return (tokens, seconds) if seconds else (None, None)


def _number(event: Mapping[str, object], name: str) -> float:
    value = event.get(name)
    return float(value) if isinstance(value, int | float) else 0.0

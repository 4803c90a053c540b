"""What was trained: a line a published phase, from its manifest and, if there, its events."""

from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.reporting.history import History, read_history

RUN = ".run"  # after the name of a model's folder: its run's


@dataclass(frozen=True)
class PhaseCost:
    """One trained phase."""

    name: str  # with the phases before it: "nli > xnli"
    role: str
    tasks: tuple[str, ...]
    seed: int
    key: str
    parent: str | None  # the key of the phase before it, or of the encoder
    folder: str  # relative to the folder of runs
    file: str | None  # the phase's TOML file, relative to the same; None where there is none
    examples: int  # in the training sets, however often each was seen
    steps: int | None
    history: History | None  # None where its run folder was removed
    at_chance: str | None  # in words, that it has learnt nothing
    deviations: tuple[str, ...]  # from the paper's procedure


@dataclass(frozen=True)
class OpenRun:
    """A run that has published no model."""

    folder: str
    history: History | None


def collect_phases(runs: Path) -> list[PhaseCost]:
    """The phases published anywhere below `runs`: intermediates first, then by name and seed.

    Raises:
        UserError: a manifest is broken.
    """
    manifests = (file for file in sorted(runs.rglob("manifest.json")) if _published(file, runs))
    phases = [_phase(file, runs) for file in manifests]
    return sorted(phases, key=lambda p: (p.role != "intermediate", p.name, p.seed, p.folder))


def collect_open_runs(runs: Path) -> list[OpenRun]:
    """The runs below `runs` beside which no model is published, by folder."""
    found = []
    for events in sorted(runs.rglob(f"*{RUN}/events.jsonl")):
        model = events.parent.with_name(events.parent.name.removesuffix(RUN))
        if not (model / "manifest.json").is_file():
            found.append(OpenRun(model.relative_to(runs).as_posix(), read_history(events)))
    return found


def deviations(phases: list[PhaseCost]) -> list[str]:
    """Where the phases do other than the paper, each said once."""
    return list(dict.fromkeys(text for phase in phases for text in phase.deviations))


def _published(manifest: Path, runs: Path) -> bool:
    """Whether a manifest is that of a published model: not of a resume point, nor half-written."""
    folders = manifest.relative_to(runs).parts[:-1]
    return not any(name.endswith(RUN) or name.startswith(".") for name in folders)


def _phase(manifest: Path, runs: Path) -> PhaseCost:
    # Read as plain JSON: the manifest's own class would import torch for a table.
    value = read_json(manifest)
    folder = manifest.parent
    try:
        last, settings = value["lineage"][-1], value["settings"]
        return PhaseCost(
            name=" > ".join(phase["name"] for phase in value["lineage"]),
            role=last["role"],
            tasks=tuple(last["tasks"]),
            seed=last["seed"],
            key=value.get("key", ""),
            parent=value.get("parent"),
            folder=folder.relative_to(runs).as_posix(),
            file=_phase_file(folder, runs),
            examples=sum(used["num_examples"] for used in value["data"].values()),
            steps=settings.get("num_steps"),
            history=read_history(folder.with_name(f"{folder.name}{RUN}") / "events.jsonl"),
            at_chance=settings.get("at_chance"),
            deviations=tuple(value["deviations"]),
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"not the manifest of a model ({error!r})", file=manifest) from None


def _phase_file(folder: Path, runs: Path) -> str | None:
    """Where a sweep keeps the phase's file: `phases/` beside the folder of models."""
    file = folder.parent.with_name("phases") / f"{folder.name}.toml"
    return file.relative_to(runs).as_posix() if file.is_file() else None

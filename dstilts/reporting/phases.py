"""What was trained: a line a published phase, from its manifest and, if there, its events."""

from collections.abc import Mapping
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
    parts: Mapping[str, int]  # those of sets that were not taken whole, by task
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

    A model that was removed to make room is there too: its manifest stands in its run's folder.

    Raises:
        UserError: a manifest is broken.
    """
    phases = [
        _phase(file, folder, runs)
        for file in sorted(runs.rglob("manifest.json"))
        if (folder := _model_folder(file, runs))
    ]
    return sorted(phases, key=lambda p: (p.role != "intermediate", p.name, p.seed, p.folder))


def collect_open_runs(runs: Path) -> list[OpenRun]:
    """The runs below `runs` that have never published a model, by folder."""
    found = []
    for events in sorted(runs.rglob(f"*{RUN}/events.jsonl")):
        model = events.parent.with_name(events.parent.name.removesuffix(RUN))
        kept = (model / "manifest.json", events.with_name("manifest.json"))
        if not any(file.is_file() for file in kept):
            found.append(OpenRun(model.relative_to(runs).as_posix(), read_history(events)))
    return found


def deviations(phases: list[PhaseCost]) -> list[str]:
    """Where the phases do other than the paper, each said once."""
    return list(dict.fromkeys(text for phase in phases for text in phase.deviations))


def _model_folder(manifest: Path, runs: Path) -> Path | None:
    """Where the model of a manifest is published or was; None for a resume point, a half-written
    model, or what a run keeps of a model that is still there."""
    *above, name = ("", *manifest.relative_to(runs).parts[:-1])
    if any(part.endswith(RUN) or part.startswith(".") for part in above) or name.startswith("."):
        return None
    if not name.endswith(RUN):
        return manifest.parent
    model = manifest.parent.with_name(name.removesuffix(RUN))
    return None if (model / "manifest.json").is_file() else model


def _phase(manifest: Path, folder: Path, runs: Path) -> PhaseCost:
    # Read as plain JSON: the manifest's own class would import torch for a table.
    value = read_json(manifest)
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
            parts={
                task: used["num_examples"]
                for task, used in value["data"].items()
                if used.get("subset")
            },
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

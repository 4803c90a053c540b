"""Made-up runs for the tests: records, manifests and events as the other layers write them."""

import json
from pathlib import Path
from typing import Any

METRICS = {
    "xnli": ("accuracy", {"accuracy": 100 / 3}),
    "pawsx": ("accuracy", {"accuracy": 50.0}),
    "udpos": ("f1", {"f1": 12.0, "token_accuracy": 19.0}),
    "xquad": ("f1", {"f1": 9.0, "em": 1.0}),
    "tatoeba": ("accuracy", {"accuracy": 0.2, "accuracy_xx_en": 0.2}),
}


def record(task: str, language: str, score: float | None, **changes: Any) -> dict[str, Any]:
    """A record. `changes` replace its fields; those of the model are given by name.

    Args:
        score: of the main metric, per cent; None for an evaluation that failed.
        changes: `intermediate`, `tasks`, `target`, `seed`, `key`, `encoder`, or any field.
    """
    intermediate = changes.pop("intermediate", "none")
    tasks = changes.pop("tasks", () if intermediate == "none" else (intermediate,))
    target = changes.pop("target", None if task == "tatoeba" else task)
    seed = changes.pop("seed", 1)
    lineage = [
        {"name": name, "role": role, "tasks": list(used), "seed": seed}
        for name, role, used in (
            (intermediate, "intermediate", tasks),
            (target, "target", (target,)),
        )
        if name not in ("none", None)
    ]
    main, chance = METRICS[task]
    metrics = {} if score is None else {name: score - 2 * i for i, name in enumerate(chance)}
    value = {
        "schema": 2,
        "model": {
            "key": changes.pop("key", f"{intermediate}-{target}-{seed}"),
            "name": f"{intermediate}--{target}",
            "encoder": changes.pop("encoder", "default"),
            "intermediate": intermediate,
            "target": target,
            "seed": seed,
            "lineage": lineage,
        },
        "task": task,
        "language": language,
        "split": "test",
        "source": "phrasebook",
        "subset": None,
        "num_examples": 500,
        "metrics": metrics,
        "chance": chance,
        "interval": {} if score is None else {main: [score - 3, score + 2]},
        "bootstrap": {"level": 0.9, "replicates": 1000},
        "main_metric": main,
        "data_digest": f"digest of {task} {language}",
        "predictions": "0" * 64,
        "versions": {"dstilts": "0.1.0", "torch": "2.13.0"},
        "options": {"precision": "fp32", "limit": None},
    }
    return {**value, **changes}


def write_record(runs: Path, value: dict[str, Any]) -> Path:
    """Writes a record where the evaluation puts it, and returns its path."""
    name = f"{value['task']}.{value['language']}.{value['split']}.json"
    file = runs / "records" / value["model"]["key"] / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))
    return file


def write_phase(
    runs: Path,
    names: list[str],
    tasks: dict[str, int],
    spent: list[tuple[float, str, float]],
    **settings: Any,
) -> Path:
    """Writes a phase as the engine leaves it, and returns its folder.

    Args:
        names: of the phases up to this one.
        tasks: with their numbers of training examples.
        settings: more of the manifest's, and `subset` of the training sets.
        spent: events as (time, "start" or "train", tokens per second); none: no run folder.
    """
    subset = settings.pop("subset", None)
    folder = runs / "models" / "--".join(names)
    folder.mkdir(parents=True)
    lineage = [
        {"name": name, "role": role, "tasks": list(tasks), "seed": 1}
        for name, role in zip(names, ("intermediate", "target"), strict=False)
    ]
    manifest = {
        "schema": 1,
        "key": names[-1],
        "parent": names[-2] if len(names) > 1 else "the encoder",
        "lineage": lineage,
        "data": {
            name: {"num_examples": number, "subset": subset} for name, number in tasks.items()
        },
        "settings": {"num_steps": 620, **settings},
        "deviations": ["word embeddings were not trained"],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    if spent:
        events = folder.with_name(f"{folder.name}.run") / "events.jsonl"
        events.parent.mkdir()
        lines = [
            json.dumps(
                {
                    "time": moment,
                    "event": event,
                    "tokens_per_second": speed,
                    "step": number,
                    "loss": 2.0 / number,
                }
            )
            for number, (moment, event, speed) in enumerate(spent, 1)
        ]
        events.write_text("\n".join([*lines, '{"event": "tra']))
    return folder

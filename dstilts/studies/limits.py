"""What every study has to say of its numbers: source, subset, languages, seeds, encoder."""

from collections.abc import Sequence

from dstilts.reporting.text import listing, number_range, plural
from dstilts.studies.scores import Score
from dstilts.studies.settings import StudySettings


def common_limits(settings: StudySettings, scores: Sequence[Score]) -> list[str]:
    """The limits of any study, a sentence each; those of the question are the study's own."""
    records = [score.record for score in scores]
    lines = []
    if any(record.source.startswith("phrasebook") for record in records):
        lines.append(
            "The texts are the phrasebook's: sentences made from a few hand-written frames, easier "
            "and more alike than real ones, so the sizes of effects do not carry over."
        )
    lines.append(f"{_evaluated(scores)}.")
    lines += _at_chance(scores)
    seeds = len(settings.seeds)
    lines.append(
        f"{plural(seeds, 'seed')}"
        + (
            ": what another run would give is not measured."
            if seeds == 1
            else ": enough to tell large effects from chance, not small ones."
            if seeds < 5
            else "."
        )
    )
    encoders = sorted({record.encoder for record in records})
    lines.append(f"Encoder: {listing(encoders)}. Others may behave otherwise.")
    if settings.encoder == "default":
        lines.append(
            "The default encoder was tuned for similarity across languages before: retrieval "
            "starts high, and training may undo that."
        )
    if settings.engine.freeze_embeddings:
        lines.append("Word embeddings were not trained.")
    return lines


def _at_chance(scores: Sequence[Score]) -> list[str]:
    """For each task, how many scores are no better than a guess."""
    lines = []
    for name in dict.fromkeys(score.task for score in scores):
        mine = [score for score in scores if score.task == name]
        low = sum(
            score.value <= score.record.chance.get(score.record.main_metric, -1.0) for score in mine
        )
        if low:
            lines.append(
                f"{name}: {low} of {len(mine)} scores (one a model and language) are at or below "
                "chance, where differences say nothing of the task."
            )
    return lines


def common_facts(settings: StudySettings, scores: Sequence[Score]) -> dict[str, str]:
    """What was run."""
    records = [score.record for score in scores]
    return {
        "Encoder": listing(sorted({record.encoder for record in records})),
        "Data source": listing(sorted({record.source for record in records})),
        "Seeds": ", ".join(map(str, settings.seeds)),
        "Languages": str(len({record.language for record in records})),
        "Models": str(len({score.run for score in scores})),
        "Scores": str(len(records)),
    }


def _evaluated(scores: Sequence[Score]) -> str:
    """ "XNLI: 40 examples in each of 14 languages, test split; ..." """
    parts = []
    for name in dict.fromkeys(score.task for score in scores):
        records = [score.record for score in scores if score.task == name]
        splits = listing(sorted({record.split for record in records}))
        count = number_range([record.num_examples for record in records])
        languages = plural(len({record.language for record in records}), "language")
        subset = ", a subset" if any(record.subset for record in records) else ""
        parts.append(f"{name}: {count} examples of the {splits} split{subset} in {languages}")
    return "Evaluated on " + "; ".join(parts)

"""The scores and effects as CSV: everything that the tables are made of, a row a number."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dstilts.reporting.collect import Record
from dstilts.reporting.contents import Part
from dstilts.reporting.effects import Effect
from dstilts.reporting.tables import Column, Section

SCORES = "scores.csv"
EFFECTS = "effects.csv"

_EVERY_TARGET = ("mean", "", "", "")  # in place of a target, its task, split and options

SCORE_HEAD = (
    *("encoder", "source", "intermediate", "intermediate_tasks", "target", "seed"),
    *("task", "language", "split", "subset", "num_examples", "options"),
    *("metric", "is_main", "value", "chance", "low", "high", "level"),
    *("model_key", "model_name", "data_digest", "versions", "file"),
)
EFFECT_HEAD = (
    *("encoder", "source", "intermediate", "target", "task", "split", "options"),
    *("language", "grouping", "group"),
    *("delta", "low", "high", "p", "p_holm", "seeds", "detectable", "flagged", "note"),
)


def scores_csv(sections: Sequence[Section]) -> str:
    """A row for each metric of each record shown; a failed record has one without a value."""
    return _text(SCORE_HEAD, (line for section in sections for line in _scores(section)))


def effects_csv(parts: Sequence[Part]) -> str:
    """A row an effect: of whole cells, languages, means over targets, groups of languages."""
    return _text(EFFECT_HEAD, (line for part in parts for line in _effects(part)))


def _scores(section: Section) -> Iterator[Sequence[object]]:
    for column in section.columns:
        for record in section.column_records(column):
            tasks = next(row.tasks for row in section.rows if row.name == record.intermediate)
            for metric in record.metrics or (record.main_metric,):
                yield _score(record, " ".join(tasks), metric)


def _score(record: Record, tasks: str, metric: str) -> Sequence[object]:
    is_main = metric == record.main_metric
    interval = record.interval if is_main else None
    return (
        *(record.encoder, record.source, record.intermediate, tasks, record.target, record.seed),
        *(record.task, record.language, record.split, record.subset, record.num_examples),
        *(_json(record.options), metric, int(is_main)),
        *(record.metrics.get(metric), record.chance.get(metric)),
        *((interval.low, interval.high, interval.level) if interval else (None, None, None)),
        *(record.model_key, record.model_name, record.data_digest, _json(record.versions)),
        record.file,
    )


def _effects(part: Part) -> Iterator[Sequence[object]]:
    of = (part.section.encoder, part.section.source)
    for (row, column), effect in part.effects.cells.items():
        yield (*of, row, *_target(column), "", "", "", *_effect(effect))
    for (row, column, language), effect in part.effects.boxes.items():
        yield (*of, row, *_target(column), language, "", "", *_effect(effect))
    for row, effect in part.effects.means.items():
        yield (*of, row, *_EVERY_TARGET, "", "", "", *_effect(effect))
    for (row, grouping, group), effect in part.effects.groups.items():
        yield (*of, row, *_EVERY_TARGET, "", grouping, group, *_effect(effect))


def _target(column: Column) -> Sequence[object]:
    return column.target, column.task, column.split, column.options


def _effect(effect: Effect) -> Sequence[object]:
    return (
        *(effect.delta, effect.low, effect.high, effect.p),
        *(effect.p_holm, " ".join(map(str, effect.seeds)), effect.detectable),
        *("; ".join(effect.flagged), effect.note),
    )


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return stream.getvalue()

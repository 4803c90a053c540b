"""Our cells beside published scores: ours, theirs, the difference, and whether that means anything.

The paper's own table of intermediates by targets is not among the sources: what is published of its
models here are test scores of the best intermediate for each target, as others quote them, and the
gains of its abstracts.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dstilts.reporting.cells import Cell, Estimate
from dstilts.reporting.collect import BASELINE, Record
from dstilts.reporting.phases import PhaseCost
from dstilts.reporting.tables import Column, Row, Section
from dstilts.tasks.benchmarks import BENCHMARKS
from dstilts.tasks.catalog import TASKS

SCORES = Path(__file__).with_name("published_scores.csv")
PAPER_ENCODER = "xlm-r-large"
PAPER_BEST = "X-STILTs (Phang 2020)"
NUM_INTERMEDIATES = 9  # of the paper, of which the best one was chosen for each target

# By the last part of an encoder's name, in lower case, what tables call it.
_NAMES = {
    "xlm-roberta-large": PAPER_ENCODER,
    "bert-base-multilingual-cased": "mBERT",
    "rembert": "RemBERT",
    "xlm-mlm-100-1280": "XLM",
    **{f"mt5-{size.lower()}": f"mT5-{size}" for size in ("Small", "Base", "Large", "XL", "XXL")},
}
_METRICS = {"em": "exact_match", "token accuracy": "token_accuracy"}
_LAYER = 14  # of the published retrieval recipe
_WHOLE = 0.98  # of a published set's size: copies of one set differ a little


@dataclass(frozen=True)
class PublishedScore:
    """One published number, as its source has it.

    Attributes:
        intermediate: "none", "best-per-target" or how the model was trained otherwise.
        metric: as our records call it.
        languages: a language's code, or how many languages the mean is over: "avg15".
    """

    source: str
    model: str
    intermediate: str
    target: str
    metric: str
    languages: str
    score: float
    split: str
    note: str

    @property
    def num_languages(self) -> int | None:
        """Of a mean; None for a single language."""
        found = re.fullmatch(r"avg(\d+)", self.languages)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Comparison:
    """A number of ours beside a published one, in per cent or points.

    Attributes:
        row: the intermediate of ours.
        column: None for a mean over targets.
        reasons: why the two cannot be compared; empty where they can.
        remarks: what else is to be known.
    """

    published: PublishedScore
    row: Row
    column: Column | None
    ours: Estimate
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def theirs(self) -> float:
        """The published number."""
        return self.published.score

    @property
    def difference(self) -> float:
        """Ours less theirs."""
        return self.ours.mean - self.theirs

    @property
    def comparable(self) -> bool:
        """Whether the difference says anything of the two models."""
        return not self.reasons


@lru_cache
def published_scores() -> tuple[PublishedScore, ...]:
    """All published numbers that come with the package, in the file's order."""
    with SCORES.open(encoding="utf-8", newline="") as lines:
        return tuple(
            PublishedScore(
                source=line["source"],
                model=line["model"],
                intermediate=line["intermediate"],
                target=line["target"],
                metric=_METRICS.get(line["metric"], line["metric"]),
                languages=line["lang"],
                score=float(line["score"]),
                split=line["split"],
                note=line["note"],
            )
            for line in csv.DictReader(lines)
        )


def compare_published(section: Section, phases: Iterable[PhaseCost] = ()) -> list[Comparison]:
    """The cells of a section that have a published counterpart, in the order of its columns.

    Shown are the scores of the paper's encoder, of the paper's best models, and of the section's
    own encoder where it has a published name.

    Args:
        phases: that trained the section's models, to say where they saw a part of a training set.
    """
    models = {PAPER_ENCODER, PAPER_BEST, published_name(section.encoder)}
    trained = list(phases)
    found: list[Comparison] = []
    for column in section.columns:
        for published in published_scores():
            if published.model in models and published.target == column.task:
                found += _compared(section, column, published, trained)
    return found


def published_name(encoder: str) -> str | None:
    """What published tables call an encoder; None where none of ours names it."""
    return _NAMES.get(encoder.rpartition("/")[2].lower())


def _compared(
    section: Section, column: Column, published: PublishedScore, phases: Sequence[PhaseCost]
) -> Iterator[Comparison]:
    """One comparison, or none where ours has no such number."""
    codes = _languages(section, column, published)
    row = _row(section, column, published, codes)
    cell = section.cell(row, column) if row else None
    if row is None or cell is None or not codes or not set(codes) <= set(cell.languages):
        return
    ours = cell.mean(published.metric, codes)
    if ours is None:
        return
    records = [record for code in codes for record in cell.records(code)]
    yield Comparison(
        published=published,
        row=row,
        column=column,
        ours=ours,
        reasons=tuple(_reasons(section, column, published, records, phases)),
        remarks=tuple(_remarks(cell, published)),
    )


def _languages(section: Section, column: Column, published: PublishedScore) -> list[str]:
    """Ours of the published mean's languages, or the single one."""
    ours = section.languages(column)
    if published.num_languages is None:
        return [code for code in ours if code == published.languages]
    return [code for code in ours if code in _official(published)]


def _official(published: PublishedScore) -> tuple[str, ...]:
    """The languages of the benchmark whose mean has that many."""
    known = [
        b.languages[published.target]
        for b in BENCHMARKS.values()
        if published.target in b.languages
    ]
    same = [codes for codes in known if len(codes) == published.num_languages]
    return (same or [TASKS[published.target].languages])[0]


def _row(
    section: Section, column: Column, published: PublishedScore, codes: Sequence[str]
) -> Row | None:
    """The row that was trained as the published model: none, or the best of all others."""
    if published.intermediate == BASELINE:
        return next((row for row in section.rows if row.name == BASELINE), None)
    if published.intermediate != "best-per-target":
        return None
    scores = {
        row: score.mean
        for row in section.rows
        if row.name != BASELINE
        and (cell := section.cell(row, column))
        and set(codes) <= set(cell.languages)
        and (score := cell.mean(languages=codes))
    }
    return max(scores, key=scores.__getitem__) if scores else None


def _reasons(
    section: Section,
    column: Column,
    published: PublishedScore,
    records: Sequence[Record],
    phases: Sequence[PhaseCost],
) -> Iterator[str]:
    theirs = PAPER_ENCODER if published.model == PAPER_BEST else published.model
    if published_name(section.encoder) != theirs:
        yield f"another encoder: {section.encoder}, not {theirs}"
    if not _same_split(column, published):
        yield f"another split: {column.split}, not {published.split}"
    if section.source.startswith("phrasebook"):
        yield "other examples: generated ones, not the published set"
    else:
        yield from _set_reasons(column, records)
    codes = {record.language for record in records}
    if published.num_languages not in (None, len(codes)):
        yield f"a mean over {len(codes)} languages, not {published.num_languages}"
    yield from _layer_reasons(published, records)
    yield from _training_reasons(column, phases)
    if published.model == PAPER_BEST:
        number = sum(row.name != BASELINE for row in section.rows)
        if number < NUM_INTERMEDIATES:
            yield f"the best of {number} intermediates, not of {NUM_INTERMEDIATES}"


def _same_split(column: Column, published: PublishedScore) -> bool:
    # TyDiQA's test set is hidden: every published score is of its public dev set.
    if column.task == "tydiqa":
        return column.split in ("dev", "test")
    return column.split in (published.split, published.split.removesuffix("(=test)")) or (
        published.split == "dev(=test)" and column.split == "test"
    )


def _set_reasons(column: Column, records: Sequence[Record]) -> Iterator[str]:
    subsets = sorted({record.subset for record in records if record.subset})
    if subsets:
        more = f" and {len(subsets) - 1} more" if len(subsets) > 1 else ""
        yield f"a subset: {subsets[0]}{more}"
        return
    size = TASKS[column.task].published_sizes.get(column.split)
    english = {record.num_examples for record in records if record.language == "en"}
    if size and english and min(english) < _WHOLE * size:
        yield f"{min(english):,} examples in English of {size:,}"


def _layer_reasons(published: PublishedScore, records: Sequence[Record]) -> Iterator[str]:
    layers = {record.options.get("layer") for record in records} - {None}
    if TASKS[published.target].kind == "retrieval" and layers and layers != {_LAYER}:
        yield f"vectors of layer {', '.join(sorted(map(str, layers)))}, not {_LAYER}"


def _training_reasons(column: Column, phases: Sequence[PhaseCost]) -> Iterator[str]:
    sizes = [
        TASKS[name].published_sizes.get("train")
        for name in (column.target or "").split("+")
        if name in TASKS
    ]
    whole = sum(size for size in sizes if size)
    used = [p.examples for p in phases if p.role == "target" and "+".join(p.tasks) == column.target]
    if used and whole and min(used) < _WHOLE * whole:
        yield f"trained on {min(used):,} of {whole:,} examples"


def _remarks(cell: Cell, published: PublishedScore) -> Iterator[str]:
    if published.note:
        yield published.note
    seeds = [seed for seed in cell.runs if seed is not None]
    if len(seeds) > 1:
        yield f"ours: the mean of {len(seeds)} seeds; theirs: one run, or not said"
    if published.model == PAPER_BEST:
        yield "ours: the row that is best on the scores shown"

"""The comparison with the paper as a table: ours, theirs, the difference, and what it is worth."""

from collections.abc import Sequence

from dstilts.reporting.phases import PhaseCost
from dstilts.reporting.published import Comparison, compare_published
from dstilts.reporting.published_gains import compare_gains
from dstilts.reporting.tables import Section
from dstilts.reporting.text import metric_title, plural, score, signed
from dstilts.reporting.text_table import TextTable

_MANY = 12  # lines: more are folded


def paper_table(section: Section, phases: Sequence[PhaseCost]) -> TextTable | None:
    """What can be compared comes first; None where nothing of ours has a published counterpart."""
    found = [*compare_gains(section), *compare_published(section, phases)]
    if not found:
        return None
    found.sort(key=lambda comparison: not comparison.comparable)
    comparable = sum(comparison.comparable for comparison in found)
    lead = "Published scores and gains, by their sources, beside ours. "
    if comparable:
        lead += f"{comparable} of {plural(len(found), 'line')} can be compared."
    else:
        lead += "None of these lines can be compared: each says why."
    return TextTable(
        slug="paper",
        title="Comparison with the paper",
        lead=lead,
        head=("target", "ours", "published", "metric", "compares", *_NUMBERS),
        rows=tuple(map(_line, found)),
        num_words=5,
        is_folded=len(found) > _MANY,
    )


_NUMBERS = ("our score", "theirs", "difference")


def _line(found: Comparison) -> tuple[str, ...]:
    published = found.published
    title = found.column.title if found.column else "XTREME, mean"
    metric = metric_title(published.metric)
    words = "yes" if found.comparable else f"no: {'; '.join(found.reasons)}"
    if found.remarks:
        words += f" ({'; '.join(found.remarks)})"
    form = score if found.column else signed  # a gain has a sign
    return (
        title,
        found.row.name,
        f"{published.model}, {published.intermediate} [{published.source}]",
        f"{metric}, {published.languages}, {published.split}",
        words,
        form(found.ours.mean),
        form(found.theirs),
        signed(found.difference),
    )

"""The effects of a grid in numbers: delta, interval, p and what could have been found."""

from dstilts.reporting.cells import Estimate
from dstilts.reporting.effects import Effect, Effects
from dstilts.reporting.tables import Section
from dstilts.reporting.text import p_value, score, signed, spread
from dstilts.reporting.text_table import TextTable

_HEAD = ("delta", "95 % interval", "p", "p, Holm", "significant", "seeds", "detectable")


def effect_table(section: Section, effects: Effects) -> TextTable | None:
    """A line for each cell that can be compared with the baseline; None where no cell can."""
    found = [
        (row.name, column.title, effect)
        for row in section.rows
        for column in section.columns
        if (effect := effects.cell(row, column))
    ]
    if not found:
        return None
    # Words stand before numbers; a column of them only where there are any.
    has_remarks = any(map(_remarks, (effect for *_, effect in found)))
    return TextTable(
        slug="effects",
        title="The differences in numbers",
        lead=(
            "To no intermediate task, in points, seeds and examples paired. p: two-sided, then "
            "corrected by Holm over all cells of the grid. Detectable: the smallest effect that "
            "these seeds would find in 80 of 100 cases at the 5 % level of one test."
        ),
        head=("intermediate", "target", *["remarks"] * has_remarks, *_HEAD),
        rows=tuple(
            (name, title, *[_remarks(effect)] * has_remarks, *_numbers(effect))
            for name, title, effect in found
        ),
        num_words=2 + has_remarks,
        is_folded=True,
    )


def change(delta: Estimate | None, effect: Effect | None) -> str:
    """ "+2.3 [+1.1 to +3.5]*" of an effect, the star for a significant one; without an effect the
    delta with its standard deviation; empty for neither."""
    if effect:
        ends = interval(effect)
        return f"{signed(effect.delta)}{f' [{ends}]' if ends else ''}{'*' * effect.significant}"
    return f"{signed(delta.mean)} {spread(delta.sd)}".strip() if delta else ""


def interval(effect: Effect) -> str:
    """ "-0.4 to 3.1", with true signs; empty where there is none."""
    if effect.low is None or effect.high is None:
        return ""
    return f"{signed(effect.low)} to {signed(effect.high)}"


def _numbers(effect: Effect) -> tuple[str, ...]:
    tested = effect.p_holm is not None
    return (
        signed(effect.delta),
        interval(effect),
        "" if effect.p is None else p_value(effect.p),
        "" if effect.p_holm is None else p_value(effect.p_holm),
        ("yes" if effect.significant else "no") if tested else "",
        str(len(effect.seeds)),
        "" if effect.detectable is None else score(effect.detectable),
    )


def _remarks(effect: Effect) -> str:
    return "; ".join(filter(None, (effect.note, *effect.flagged)))

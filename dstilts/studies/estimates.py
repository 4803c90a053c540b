"""A number with its interval, and how it is written."""

from dataclasses import dataclass

from dstilts.reporting.text import MINUS

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number and the ends of its 95 % interval; without ends where nothing measures its spread.

    Attributes:
        df: the degrees of freedom that the interval has, where it is one of Student's t.
    """

    value: float
    low: float | None = None
    high: float | None = None
    df: float | None = None

    @property
    def sign(self) -> int:
        """1 or -1 where the whole interval is on one side of 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    def times(self, factor: float) -> "Estimate":
        """The same in another unit, `factor` (not 0) times as large a number."""
        if self.low is None or self.high is None:
            return Estimate(factor * self.value, df=self.df)
        low, high = sorted((factor * self.low, factor * self.high))
        return Estimate(factor * self.value, low, high, self.df)

    def per_cent(self) -> "Estimate":
        """The same with the interval inside 0 to 100, where no score can be beyond."""
        if self.low is None or self.high is None:
            return self
        return Estimate(self.value, max(self.low, 0.0), min(self.high, 100.0), self.df)

    def words(self, form: str = "+.1f", unit: str = "") -> str:
        """ "+2.1 points (95 % interval +0.5 to +3.7)", or that no interval could be had."""
        value = number(self.value, form) + (f" {unit}" if unit else "")
        if self.low is None or self.high is None:
            return f"{value} (no interval: too few runs)"
        low, high = number(self.low, form), number(self.high, form)
        return f"{value} ({LEVEL:.0%} interval {low} to {high})".replace("%", " %")

    def short(self, form: str = "+.1f") -> str:
        """ "+2.1 [+0.5, +3.7]" for a table."""
        if self.low is None or self.high is None:
            return number(self.value, form)
        ends = f"{number(self.low, form)}, {number(self.high, form)}"
        return f"{number(self.value, form)} [{ends}]"


def number(value: float, form: str) -> str:
    """A number with a true minus; what rounds to nothing has no sign."""
    text = format(value, form)
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)

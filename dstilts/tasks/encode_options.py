"""How examples become token rows: lengths, windows, and the sub-token that carries a tag."""

from dataclasses import dataclass
from typing import Literal

from dstilts.core.errors import UserError
from dstilts.tasks.examples import Kind

IGNORED = -100  # a label or position that no loss and no score counts
SPAN_MAX_LENGTH = 384


@dataclass(frozen=True)
class EncodeOptions:
    """Options of encoding; part of the key of a token table and of every record.

    Defaults are those of the paper's authors (jiant's XTREME scripts) but for `label_token`.
    """

    max_length: int = 256
    """The longest row in tokens, specials included."""
    doc_stride: int = 128
    """Tokens from the start of one window of a long context to the start of the next."""
    max_query_length: int = 64
    """Tokens of a question that are kept."""
    label_token: Literal["first", "first_nonbare"] = "first_nonbare"
    """Which sub-token of a word carries its tag: the first (XTREME's scripts), or the first that is
    not a bare U+2581. The bare piece says nothing of the word; in Chinese it is often first."""

    def __post_init__(self) -> None:
        if self.max_length < 8:
            raise UserError(f"max_length must be at least 8, not {self.max_length}")
        if self.doc_stride < 1:
            raise UserError(f"doc_stride must be at least 1, not {self.doc_stride}")
        if self.max_query_length < 1:
            raise UserError(f"max_query_length must be at least 1, not {self.max_query_length}")
        if self.label_token not in ("first", "first_nonbare"):
            raise UserError(f"label_token must be first or first_nonbare, not {self.label_token}")

    @classmethod
    def for_kind(cls, kind: Kind) -> "EncodeOptions":
        """The defaults for one kind of task: 384 tokens for span questions, 256 elsewhere."""
        return cls(max_length=SPAN_MAX_LENGTH) if kind == "span" else cls()

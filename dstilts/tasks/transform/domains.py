"""Splits by domain: the genres of MNLI, the treebanks of UD, the articles of SQuAD.

Of the phrasebook's inference pairs it is the relation between the statements, of its tagged
sentences the frame.
"""

from collections import Counter
from dataclasses import dataclass

from dstilts.core.errors import UserError
from dstilts.core.registry import unknown
from dstilts.tasks.examples import Example, ExampleSet
from dstilts.tasks.transform.notes import annotated, require


@dataclass(frozen=True)
class Domains:
    """Which domains stay: those of `keep`, or all but those of `hold_out`."""

    keep: tuple[str, ...] = ()
    hold_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(
            bool(self.keep) != bool(self.hold_out),
            "keep or hold_out must be given, and not both",
        )


def domains(examples: ExampleSet) -> Counter[str]:
    """The examples of each domain; those of which none is known are not counted."""
    found = Counter(map(_domain, examples.examples))
    del found[""]
    return found


def select_domains(examples: ExampleSet, options: Domains) -> ExampleSet:
    """The examples of the domains that stay; those without a domain stay with `hold_out` only.

    Raises:
        UserError: the set tells no domains or not one that is named, or nothing is left.
    """
    known = domains(examples)
    if not known:
        raise UserError(f"the examples of {examples.task} do not say which domain they are from")
    named = options.keep or options.hold_out
    for name in named:
        if name not in known:
            raise unknown(f"domain of {examples.task}", name, known)
    kept = [e for e in examples.examples if (_domain(e) in named) == bool(options.keep)]
    if not kept:
        raise UserError(
            f"no example of {examples.task} is left without the domains {', '.join(named)}"
        )
    how = "of the domains" if options.keep else "without the domains"
    note = f"{len(kept)} of {len(examples)}, {how} {', '.join(named)}"
    return annotated(examples, kept, note)


def _domain(example: Example) -> str:
    return getattr(example, "domain", "")

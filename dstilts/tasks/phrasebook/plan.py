"""What all languages of the phrasebook share: classes of entries, frames, questions, relations."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from dstilts.tasks.phrasebook.notation import slot_class

Pool = Literal["train", "test"]


class Ref(NamedTuple):
    """The name of a lexicon entry, the same in all languages."""

    class_name: str
    entry: str


Values = Mapping[str, Ref]  # slot -> entry


@dataclass(frozen=True)
class EntryClass:
    """A class of lexicon entries that fill the same slots."""

    name: str
    pools: Mapping[Pool, tuple[str, ...]]  # the same where training and evaluation share them
    tag: str | None  # of words that state none
    digits: bool  # a language file may leave the class out: digits are written alike
    forms_of: str  # the class whose forms the entries have
    agreement: Mapping[str, int]  # entry -> which form of a word agrees with it; absent: 0

    @property
    def entries(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.pools["train"], *self.pools["test"])))

    @cached_property
    def refs(self) -> Mapping[Pool, tuple[Ref, ...]]:
        """The entries of each pool by their full names."""
        return {
            pool: tuple(Ref(self.name, entry) for entry in entries)
            for pool, entries in self.pools.items()
        }


@dataclass(frozen=True)
class Question:
    """A question about a statement: which slot answers it, and which slots it names."""

    about: str
    answer: str
    slots: tuple[str, ...]
    also: tuple[str, ...] = ()  # other statements that would answer it


@dataclass(frozen=True)
class Clause:
    """A statement with slots renamed: `live city=city2` says the same of another city."""

    frame: str
    renamed: Mapping[str, str]

    def values(self, plan: "Plan", assigned: Values) -> dict[str, Ref]:
        """What fills the statement's slots, given what each name of the relation stands for."""
        return {
            slot: assigned[self.renamed.get(slot, slot)] for slot in plan.statements[self.frame]
        }

    def names(self, plan: "Plan") -> tuple[str, ...]:
        """The names of the relation this clause speaks of."""
        return tuple(self.renamed.get(slot, slot) for slot in plan.statements[self.frame])


def all_names(plan: "Plan", clauses: Iterable[Clause]) -> tuple[str, ...]:
    """The names that clauses speak of, each once."""
    return tuple(dict.fromkeys(name for clause in clauses for name in clause.names(plan)))


@dataclass(frozen=True)
class Relation:
    """A hypothesis and the premises that entail it, contradict it or leave it open."""

    name: str
    hypothesis: Clause
    premises: Mapping[str, tuple[Clause, ...]]  # label -> alternatives

    @property
    def clauses(self) -> tuple[Clause, ...]:
        return (self.hypothesis, *(clause for some in self.premises.values() for clause in some))


@dataclass(frozen=True)
class Paraphrase:
    """A statement, and what says the same and what does not."""

    name: str
    statement: Clause
    same: tuple[Clause, ...]
    other: tuple[Clause, ...]

    @property
    def clauses(self) -> tuple[Clause, ...]:
        return (self.statement, *self.same, *self.other)


@dataclass(frozen=True)
class Complement:
    """Two statements, and for each the premises that entail it and contradict the other."""

    name: str
    statements: tuple[Clause, ...]
    premises: tuple[tuple[Clause, ...], ...]
    negation: bool  # the second statement denies the first

    @property
    def clauses(self) -> tuple[Clause, ...]:
        return (*self.statements, *(clause for some in self.premises for clause in some))


Group = TypeVar("Group", Relation, Paraphrase, Complement)


@dataclass(frozen=True)
class Plan:
    """The content of plan.toml."""

    classes: Mapping[str, EntryClass]
    kinds: Mapping[str, str]  # thing -> kind
    statements: Mapping[str, tuple[str, ...]]
    questions: Mapping[str, Question]
    relations: tuple[Relation, ...]
    paraphrases: tuple[Paraphrase, ...]
    complements: tuple[Complement, ...]
    held_out: frozenset[str]  # frames no training set uses
    confusable: Mapping[Ref, frozenset[Ref | str]]  # answer -> entries and statements

    def slots(self, frame: str) -> tuple[str, ...]:
        """The slots of a statement or question."""
        if frame in self.statements:
            return self.statements[frame]
        return self.questions[frame].slots

    def usable(self, frame: str, pool: Pool) -> bool:
        """Whether sentences of `pool` may use the frame."""
        about = self.questions[frame].about if frame in self.questions else frame
        return pool == "test" or not {frame, about} & self.held_out

    def usable_groups(self, groups: Iterable[Group], pool: Pool) -> list[Group]:
        """Those of relations, paraphrases or complements all whose statements `pool` may use."""
        return [
            group
            for group in groups
            if all(self.usable(clause.frame, pool) for clause in group.clauses)
        ]


LABELS = ("entailment", "neutral", "contradiction")


@lru_cache(maxsize=1)
def load_plan() -> Plan:
    """The one plan, checked for names that do not resolve (a broken plan is a defect of ours)."""
    table = tomllib.loads((Path(__file__).parent / "plan.toml").read_text(encoding="utf-8"))
    statements = {name: tuple(slots) for name, slots in table["statements"].items()}
    questions = {
        name: Question(
            entry["about"], entry["answer"], tuple(entry["slots"]), tuple(entry.get("also", ()))
        )
        for name, entry in table["questions"].items()
    }
    plan = Plan(
        classes={name: _entry_class(name, entry) for name, entry in table["classes"].items()},
        kinds={thing: kind for kind, things in table["kinds"].items() for thing in things},
        statements=statements,
        questions=questions,
        relations=tuple(map(_relation, table["relations"])),
        paraphrases=tuple(map(_paraphrase, table["paraphrases"])),
        complements=tuple(map(_complement, table["complements"])),
        held_out=frozenset(table["held_out"]["frames"]),
        confusable={
            _ref(answer): frozenset(_ref(name) if "." in name else name for name in names)
            for answer, names in table["confusable"].items()
        },
    )
    _check(plan)
    return plan


def _entry_class(name: str, entry: Mapping[str, Any]) -> EntryClass:
    shared = tuple(entry.get("shared", ()))
    return EntryClass(
        name=name,
        pools={
            "train": (*entry.get("train", ()), *shared),
            "test": (*entry.get("test", ()), *shared),
        },
        tag=entry.get("tag"),
        digits=bool(entry.get("digits", False)),
        forms_of=entry.get("forms_of", name),
        agreement=entry.get("agreement", {}),
    )


def _relation(entry: Mapping[str, Any]) -> Relation:
    return Relation(
        entry["name"],
        _clause(entry["hypothesis"]),
        {label: tuple(map(_clause, entry[label])) for label in LABELS},
    )


def _paraphrase(entry: Mapping[str, Any]) -> Paraphrase:
    return Paraphrase(
        entry["name"],
        _clause(entry["statement"]),
        tuple(map(_clause, entry["same"])),
        tuple(map(_clause, entry["other"])),
    )


def _complement(entry: Mapping[str, Any]) -> Complement:
    return Complement(
        entry["name"],
        tuple(map(_clause, entry["statements"])),
        tuple(tuple(map(_clause, some)) for some in entry["premises"]),
        bool(entry.get("negation", False)),
    )


def _ref(name: str) -> Ref:
    class_name, _, entry = name.partition(".")
    return Ref(class_name, entry)


def _clause(text: str) -> Clause:
    frame, *renamings = text.split()
    pairs = (renaming.partition("=") for renaming in renamings)
    return Clause(frame, {slot: name for slot, _, name in pairs})


def _check(plan: Plan) -> None:
    assert plan.held_out <= {*plan.statements, *plan.questions}
    for frame in (*plan.statements, *plan.questions):
        for slot in plan.slots(frame):
            assert slot_class(slot) in plan.classes, (frame, slot)
    for question in plan.questions.values():
        known = plan.statements[question.about]
        assert {question.answer, *question.slots} <= set(known), question
        assert set(question.also) <= set(plan.statements), question
    groups: tuple[Relation | Paraphrase | Complement, ...]
    groups = (*plan.relations, *plan.paraphrases, *plan.complements)
    for clause in (clause for group in groups for clause in group.clauses):
        assert set(clause.renamed) <= set(plan.statements[clause.frame]), clause
    for answer, others in plan.confusable.items():
        for name in (answer, *others):
            if isinstance(name, Ref):
                assert name.entry in plan.classes[name.class_name].entries, name
            else:
                assert name in plan.statements, name

"""Filling frames: the draws that all kinds of task share, the same for every language."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dstilts.core.random_numbers import stream, stream_key
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Plan, Pool, Ref, Values
from dstilts.tasks.phrasebook.sentence import Sentence, realise

Split = Literal["train", "dev", "test"]
Slots = tuple[str, ...]

# One in so many items of a pool belongs to its development split.
_DEV_SHARE: dict[Pool, int] = {"train": 8, "test": 3}
_MANY_DRAWS = 200  # more than it takes, but for what there is next to nothing of
FRUITLESS_DRAWS = 40  # in a row; then a frame has no combination left that is new


@dataclass(frozen=True)
class Part:
    """One split of one task: which entries and frames it may use, and how many examples it has."""

    task: str
    split: Split
    pool: Pool
    size: int

    def stream(self) -> np.random.Generator:
        return stream("phrasebook", self.task, self.split)

    def owns(self, values: Values) -> bool:
        """Whether this split, not the other one of its pool, has sentences of these entries.

        It depends on the entries alone, not on what is said of them: the training split of one
        task and the development split of another share none either, nor does the one have the
        contrary or the reversal of what is in the other.
        """
        key = stream_key("phrasebook", "split", *(".".join(ref) for ref in sorted(values.values())))
        return (key % _DEV_SHARE[self.pool] == 0) == (self.split == "dev")


@dataclass(frozen=True)
class Filled:
    """A frame and what fills its slots: one sentence in every language."""

    frame: str
    values: Values

    def key(self) -> tuple[object, ...]:
        return (self.frame, *sorted(self.values.items()))

    def sentence(self, language: Language, plan: Plan) -> Sentence:
        return realise(language, plan, self.frame, self.values)


def draw_values(
    plan: Plan,
    names: Iterable[str],
    pool: Pool,
    rng: np.random.Generator,
    used: Collection[Ref] = (),
    given: Values | None = None,
) -> dict[str, Ref]:
    """An entry for each name, no entry twice, and none of `used` while others are left.

    person2 and person3 get the other gender than person; kind is the kind of thing. Names that are
    `given` keep their entries.
    """
    values: dict[str, Ref] = dict(given or {})
    for name in sorted(set(names) - set(values), key=lambda name: (name == "kind", name)):
        if name == "kind" and "thing" in values:
            values[name] = Ref("kind", plan.kinds[values["thing"].entry])
            continue
        candidates = [ref for ref in _candidates(plan, name, pool, values) if ref not in used]
        candidates = candidates or list(_candidates(plan, name, pool, values))
        values[name] = candidates[rng.integers(len(candidates))]
    return values


def draw_owned(
    plan: Plan,
    names: Iterable[str],
    part: Part,
    rng: np.random.Generator,
    used: Collection[Ref] = (),
    given: Values | None = None,
    accept: Callable[[Values], bool] = lambda values: True,
) -> dict[str, Ref] | None:
    """Values as `draw_values` gives them that will do, of the split as far as there are such.

    None where no values will do.
    """
    names = tuple(names)
    spare: dict[str, Ref] | None = None
    for _ in range(_MANY_DRAWS):
        values = draw_values(plan, names, part.pool, rng, used, given)
        if accept(values):
            if part.owns(values):
                return values
            spare = spare or values
    return spare


def _candidates(plan: Plan, name: str, pool: Pool, values: Values) -> Iterator[Ref]:
    entry_class = plan.classes[slot_class(name)]
    partners = {"person": ("person2", "person3"), "person2": ("person",), "person3": ("person",)}
    partner = next((values[one] for one in partners.get(name, ()) if one in values), None)
    taken = set(values.values())
    for ref in entry_class.refs[pool]:
        if ref not in taken and not (partner and gender(plan, ref) == gender(plan, partner)):
            yield ref


def gender(plan: Plan, ref: Ref) -> int | None:
    """Which form of a word agrees with a person; None for entries of which all are alike."""
    agreement = plan.classes[ref.class_name].agreement
    return agreement.get(ref.entry, 0) if agreement else None


def even_positions(size: int, num_positions: int, rng: np.random.Generator) -> list[int]:
    """A position for each of `size` examples, each position as often as the others."""
    return [int(index) % num_positions for index in rng.permutation(size)]


def filled_frames(
    plan: Plan,
    slots: Mapping[str, Slots],
    part: Part,
    accept: Callable[[Filled], bool] = lambda filled: True,
) -> tuple[Filled, ...]:
    """Distinct fillings of a split, the same number of each frame as far as there are enough.

    Fillings of one frame differ in every slot as long as the pool has entries for it.

    Args:
        plan: the plan.
        slots: the frames, and which slots of each to fill.
        part: the split; frames it must not use are left out.
        accept: which fillings will do.
    """
    rng = part.stream()
    open_frames = [frame for frame in slots if plan.usable(frame, part.pool)]
    used: dict[str, set[Ref]] = {frame: set() for frame in open_frames}
    found: dict[tuple[object, ...], Filled] = {}
    while len(found) < part.size and open_frames:
        for frame in list(open_frames):
            item = _new_filling(plan, frame, slots[frame], part, rng, used[frame], found, accept)
            if item is None:
                open_frames.remove(frame)
                continue
            found[item.key()] = item
            _mark_used(plan, item.values, part.pool, used[frame])
    items = list(found.values())[: part.size]
    return tuple(items[index] for index in rng.permutation(len(items)))


def statement_frames(plan: Plan) -> dict[str, Slots]:
    """All statements, with the slots they name."""
    return dict(plan.statements)


def sentence_frames(plan: Plan) -> dict[str, Slots]:
    """All statements and questions, with the slots they name."""
    return {frame: plan.slots(frame) for frame in (*plan.statements, *plan.questions)}


def _new_filling(
    plan: Plan,
    frame: str,
    slots: Slots,
    part: Part,
    rng: np.random.Generator,
    used: Collection[Ref],
    found: Collection[tuple[object, ...]],
    accept: Callable[[Filled], bool],
) -> Filled | None:
    # Where nothing unused will do, something used may.
    for avoided in (used, ()):
        for _ in range(FRUITLESS_DRAWS):
            item = Filled(frame, draw_values(plan, slots, part.pool, rng, avoided))
            if item.key() not in found and part.owns(item.values) and accept(item):
                return item
    return None


def _mark_used(plan: Plan, values: Values, pool: Pool, used: set[Ref]) -> None:
    """Adds the values; a class all whose entries have been used begins anew."""
    used.update(values.values())
    for class_name in {ref.class_name for ref in values.values()}:
        entries = plan.classes[class_name].refs[pool]
        if used.issuperset(entries):
            used.difference_update(entries)

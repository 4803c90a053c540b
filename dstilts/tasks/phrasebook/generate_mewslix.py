"""Entities retrieved for their mentions: persons, cities and companies, described in one language
each (Mewsli-X)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.phrasebook.format import Language, available_languages, load_language
from dstilts.tasks.phrasebook.generate_entities import ENTITY_TYPES, naming_frames
from dstilts.tasks.phrasebook.generator import Filled, Part, draw_values, filled_frames
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Plan, Ref, load_plan

_NUM_JOBS = 4  # of each name: persons of one name differ in what they work as
_SHARES = {"person": 2, "city": 3, "company": 6}  # one in so many mentions
_DESCRIBED_BY = {"person": "work", "city": "open_daily", "company": "employed"}


@dataclass(frozen=True)
class Entity:
    """Who or what bears a name; persons of the same name differ in `job`."""

    name: Ref
    job: Ref | None


@dataclass(frozen=True)
class Mention:
    """A statement, and the slot that names an entity in it."""

    statement: Filled
    slot: str

    @property
    def entity(self) -> Entity:
        name = self.statement.values[self.slot]
        return Entity(name, self.statement.values["job"] if name.class_name == "person" else None)


def mewslix_examples(part: Part, language: Language) -> tuple[SentenceExample, ...]:
    """Training: mentions, each with its entity. Else a language's mentions and the pool.

    The pool has every entity once, described in one language; the languages take turns. Persons
    share their names with others: the job that the mention's sentence tells says who is meant.
    """
    plan, mentions = load_plan(), _mentions(part)
    if part.split == "train":
        return _training_pairs(plan, mentions, part, language)
    ids = {entity: name for name, entity in _entities(part).items()}
    sources = [
        SentenceExample(
            f"{part.split}-{index:04d}",
            _marked(plan, mention, language),
            "source",
            (ids[mention.entity],),
        )
        for index, mention in enumerate(mentions)
    ]
    return (*sources, *_pool(part))


def _training_pairs(
    plan: Plan, mentions: tuple[Mention, ...], part: Part, language: Language
) -> tuple[SentenceExample, ...]:
    examples = []
    rng = part.stream()
    for index, mention in enumerate(mentions):
        name = f"{part.split}-{index:04d}"
        answer = f"{name}-entity"
        described = _described(plan, mention.entity, part, rng, language)
        examples += [
            SentenceExample(name, _marked(plan, mention, language), "source", (answer,)),
            SentenceExample(answer, described, "target", (name,)),
        ]
    return tuple(examples)


def _marked(plan: Plan, mention: Mention, language: Language) -> str:
    """The mention without its article, its sentence with braces around it, as in the benchmark."""
    sentence = mention.statement.sentence(language, plan)
    start, end = sentence.spans[mention.slot]
    first, _ = sentence.places[mention.slot]
    if sentence.tags[first] == "DET":  # Hungarian "a Philips"
        after = start + len(sentence.words[first])
        start = end - len(sentence.text[after:end].lstrip())
    words = sentence.text[start:end]
    left, right = sentence.text[:start], sentence.text[end:]
    return " ".join(f"{words}: {left} {{ {words} }} {right}".split())


def _described(
    plan: Plan, entity: Entity, part: Part, rng: np.random.Generator, language: Language
) -> str:
    """The name and a statement about the entity, which is drawn unless it is a person's job."""
    class_name = entity.name.class_name
    frame = _DESCRIBED_BY[class_name]
    given = {class_name: entity.name, **({"job": entity.job} if entity.job else {})}
    values = draw_values(plan, plan.statements[frame], part.pool, rng, given=given)
    sentence = Filled(frame, values).sentence(language, plan)
    start, end = sentence.spans[class_name]
    return f"{sentence.text[start:end]}: {sentence.text}"


@lru_cache(maxsize=4)
def _entities(part: Part) -> dict[str, Entity]:
    """The entities of a pool by id, in no order that tells their class."""
    plan = load_plan()
    rng = part.stream()
    jobs = plan.classes["job"].refs[part.pool]
    found = []
    for class_name in ENTITY_TYPES:
        for name in plan.classes[class_name].refs[part.pool]:
            if class_name == "person":
                chosen = rng.choice(len(jobs), _NUM_JOBS, replace=False)
                found += [Entity(name, jobs[index]) for index in chosen]
            else:
                found.append(Entity(name, None))
    order = rng.permutation(len(found))
    return {f"Q{number:03d}": found[index] for number, index in enumerate(order, start=1)}


@lru_cache(maxsize=4)
def _pool(part: Part) -> tuple[SentenceExample, ...]:
    plan, codes = load_plan(), available_languages()
    rng = part.stream()
    return tuple(
        SentenceExample(
            name,
            _described(plan, entity, part, rng, load_language(codes[index % len(codes)])),
            "target",
            (),
        )
        for index, (name, entity) in enumerate(_entities(part).items())
    )


@lru_cache(maxsize=4)
def _mentions(part: Part) -> tuple[Mention, ...]:
    """Mentions of the entities of a pool: half of them persons, a third cities."""
    plan = load_plan()
    entities = set(_entities(part).values())

    def accept(filled: Filled) -> bool:
        return _mention(filled).entity in entities

    mentions: list[Mention] = []
    for class_name, share in _SHARES.items():
        of_class = Part(part.task, part.split, part.pool, part.size // share)
        slots = _mentioning(plan, class_name, part)
        mentions += map(_mention, filled_frames(plan, slots, of_class, accept))
    return tuple(mentions[index] for index in part.stream().permutation(len(mentions)))


def _mention(filled: Filled) -> Mention:
    frame, _, slot = filled.frame.partition(" ")
    return Mention(Filled(frame, filled.values), slot)


def _mentioning(plan: Plan, class_name: str, part: Part) -> dict[str, tuple[str, ...]]:
    """The statements, each with the slot that names an entity; persons only with their job.

    The statement that describes such entities is left out, but for companies, which have no other.
    """
    return {
        f"{frame} {slot}": slots
        for frame, slots in naming_frames(plan).items()
        for slot in slots
        if slot_class(slot) == class_name
        and plan.usable(frame, part.pool)
        and (class_name != "person" or "job" in slots)
        and (class_name == "company" or frame != _DESCRIBED_BY[class_name])
    }

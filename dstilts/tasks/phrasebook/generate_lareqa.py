"""Answers retrieved from a pool of all languages: questions, and the sentences of short texts
(LAReQA)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.phrasebook.contexts import topics
from dstilts.tasks.phrasebook.format import Language, available_languages, load_language
from dstilts.tasks.phrasebook.generate_span import span_items
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames
from dstilts.tasks.phrasebook.plan import Plan, load_plan

NUM_CONTEXTS = 12
_NUM_SENTENCES = 3  # of a context; the pool has 36 candidates for each language


@dataclass(frozen=True)
class Asked:
    """A question, and the number of its context and of the sentence in it that answers."""

    name: str
    question: Filled
    context: int
    place: int


def lareqa_examples(part: Part, language: Language) -> tuple[SentenceExample, ...]:
    """Training: questions, each with its sentence. Else a language's questions and the pool.

    The pool has every sentence of every context in every language; the contexts are the same in
    all. A question names what tells its sentence from all others of the same frame.
    """
    if part.split == "train":
        return _training_pairs(part, language)
    plan = load_plan()
    asked = asked_questions(part)
    sources = [
        SentenceExample(
            one.name,
            one.question.sentence(language, plan).text,
            "source",
            tuple(_id(code, one.context, one.place) for code in available_languages()),
        )
        for one in asked
    ]
    return (*sources, *_pool(part))


def _training_pairs(part: Part, language: Language) -> tuple[SentenceExample, ...]:
    plan = load_plan()
    examples = []
    for index, item in enumerate(span_items(part)):
        assert item.place is not None
        texts = [statement.sentence(language, plan).text for statement in item.statements]
        name = f"{part.split}-{index:04d}-{item.question.frame}"
        answer = f"{name}-answer"
        question = item.question.sentence(language, plan).text
        context = language.sentence_joiner.join(texts)
        examples += [
            SentenceExample(name, question, "source", (answer,)),
            SentenceExample(answer, texts[item.place], "target", (name,), context),
        ]
    return tuple(examples)


def _id(code: str, context: int, place: int) -> str:
    """As in XQuAD-R: contexts are numbered from 1, sentences from 0."""
    return f"{code}_{context + 1}_{place}"


@lru_cache(maxsize=2)
def _pool(part: Part) -> tuple[SentenceExample, ...]:
    """The candidates, with the ids of the questions each answers."""
    plan = load_plan()
    answered: dict[tuple[int, int], list[str]] = {}
    for one in asked_questions(part):
        answered.setdefault((one.context, one.place), []).append(one.name)
    candidates = []
    for code in available_languages():
        language = load_language(code)
        for number, statements in enumerate(contexts(part)):
            texts = [statement.sentence(language, plan).text for statement in statements]
            context = language.sentence_joiner.join(texts)
            candidates += [
                SentenceExample(
                    _id(code, number, place),
                    text,
                    "target",
                    tuple(answered.get((number, place), ())),
                    context,
                )
                for place, text in enumerate(texts)
            ]
    return tuple(candidates)


@lru_cache(maxsize=2)
def contexts(part: Part) -> tuple[tuple[Filled, ...], ...]:
    """Contexts of statements with different frames."""
    plan = load_plan()
    size = NUM_CONTEXTS * _NUM_SENTENCES
    slots = {topic: plan.statements[topic] for topic in topics(plan, part)}
    left = sorted(
        filled_frames(plan, slots, Part(part.task, part.split, part.pool, size)),
        key=lambda filled: filled.frame,
    )
    # Statements of one frame are neighbours in the list, and go to contexts in turn.
    found: list[list[Filled]] = [[] for _ in range(NUM_CONTEXTS)]
    for index, filled in enumerate(left):
        found[index % NUM_CONTEXTS].append(filled)
    rng = part.stream()
    return tuple(tuple(some[i] for i in rng.permutation(len(some))) for some in found)


@lru_cache(maxsize=2)
def asked_questions(part: Part) -> tuple[Asked, ...]:
    """Every question about a sentence of a context that no other sentence of the pool answers."""
    plan = load_plan()
    pool = contexts(part)
    statements = [statement for context in pool for statement in context]
    found: list[Asked] = []
    for number, context in enumerate(pool):
        for place, statement in enumerate(context):
            for asked in _about(plan, statement):
                if sum(answers(plan, asked, other) for other in statements) == 1:
                    name = f"{part.split}-{len(found):04d}-{asked.frame}"
                    found.append(Asked(name, asked, number, place))
    return tuple(found[: part.size])


def _about(plan: Plan, statement: Filled) -> Iterator[Filled]:
    """The questions that a statement answers."""
    for name, question in plan.questions.items():
        if question.about == statement.frame:
            yield Filled(name, {slot: statement.values[slot] for slot in question.slots})


def answers(plan: Plan, asked: Filled, statement: Filled) -> bool:
    """Whether the statement answers the question."""
    question = plan.questions[asked.frame]
    return statement.frame in (question.about, *question.also) and all(
        statement.values.get(slot) == ref for slot, ref in asked.values.items()
    )

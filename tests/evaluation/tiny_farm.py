"""A source in memory and a tiny published model, for the tests of evaluation."""

from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from dstilts.checkpoints.manifest import Manifest, PhaseRecord
from dstilts.checkpoints.publish import publish
from dstilts.models.collate import collate
from dstilts.models.encoder import load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.models.multitask import MultiTaskModel
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import EncodeOptions, encode
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from tests.tiny import SENTENCES, tiny_encoder

TASKS = (
    "xnli",
    "socialiqa",
    "xquad",
    "squad_v2",
    "udpos",
    "ccg",
    "tatoeba",
    "bucc2018",
    "lareqa",
    "mlm",
)
SUPERTAGS = ("N", "NP", "S\\NP")
HEADS = {
    name: HeadSpec.of(spec) for spec in map(task, TASKS) for name in [spec.head] if name is not None
} | {"ccg": HeadSpec("tagging", SUPERTAGS)}


def words(language: str, start: int, number: int) -> str:
    """A run of words of a language's sentences, going round at their end."""
    text = SENTENCES[language].split()
    return " ".join(text[(start + index) % len(text)] for index in range(number))


def pairs(language: str) -> list[Example]:
    labels = task("xnli").labels
    return [
        PairExample(
            str(i), words(language, i, 3 + i), words(language, 2 * i, 1 + i % 4), labels[i % 3]
        )
        for i in range(9)
    ]


def choices(language: str) -> list[Example]:
    return [
        ChoiceExample(
            str(i),
            words(language, i, 4 + i),
            words(language, 3 * i, 3),
            tuple(words(language, i + n, 1 + n) for n in range(3)),
            i % 3,
        )
        for i in range(6)
    ]


def questions(language: str) -> list[Example]:
    """Some contexts are longer than one window of the tiny encoder."""
    examples: list[Example] = []
    for i in range(5):
        context = words(language, i, 8 + 17 * i)
        answer = Answer(context.split()[2], context.index(context.split()[2]))
        examples.append(SpanExample(f"q{i}", context, words(language, i, 3), (answer,)))
    return examples


def sentences(language: str) -> list[Example]:
    """The last one is longer than a row of the tiny encoder; one word has no sub-token."""
    upos = task("udpos").labels
    texts = [words(language, i, 3 + i).split() for i in range(7)]
    texts += [["\u200b", *texts[0]], words(language, 0, 70).split()]
    return [
        TaggingExample(
            str(i), tuple(text), tuple(upos[(i + n) % len(upos)] for n in range(len(text)))
        )
        for i, text in enumerate(texts)
    ]


def parallel(language: str) -> list[Example]:
    """Two English sentences have the same text, and all languages share the English side."""
    starts = [0, 1, 2, 3, 4, 4]
    return [
        SentenceExample(f"{side}-{i}", words(code, start, 4 + i // 2 * 2), side, (f"{other}-{i}",))
        for side, other, code in (("source", "target", language), ("target", "source", "en"))
        for i, start in enumerate(starts)
    ]


def questions_or_none(language: str) -> list[Example]:
    """Every second question is not answered by its context."""
    return [
        SpanExample(e.id, e.context, e.question, (), answerable=False) if index % 2 else e
        for index, e in enumerate(questions(language))
        if isinstance(e, SpanExample)
    ]


def supertags(language: str) -> list[Example]:
    """One tag is of none of the words the model was trained on."""
    tags = [*SUPERTAGS, "S/unseen"]
    return [
        TaggingExample(e.id, e.words, tuple(tags[n % 4] for n in range(len(e.words))))
        for e in sentences(language)
        if isinstance(e, TaggingExample)
    ]


def comparable(language: str) -> list[Example]:
    """Four sentences have a translation, the others none; one text of each side stands twice."""
    sides = (("source", language, "target"), ("target", "en", "source"))
    return [
        SentenceExample(
            f"{side}-{i}",
            words(code, start, 4 + start % 3),
            side,
            (f"{other}-{i}",) if i < 4 else (),
        )
        for side, code, other in sides
        for i, start in enumerate([*range(9), 5])
    ]


def pool(language: str) -> list[Example]:
    """Questions of a language; candidates of all languages, in their paragraphs."""
    codes = ("de", "ru")
    asked: list[Example] = [
        SentenceExample(
            f"q{i}", words(language, i, 3), "source", tuple(f"{code}-{i}" for code in codes)
        )
        for i in range(4)
    ]
    candidates = [
        SentenceExample(
            f"{code}-{i}", words(code, i, 5), "target", (), context=words(code, i, 9 + 40 * (i > 4))
        )
        for code in codes
        for i in range(12)
    ]
    return [*asked, *candidates]


def raw_texts(language: str) -> list[Example]:
    return [TextExample(str(i), words(language, i, 2 + 3 * i)) for i in range(8)]


MAKERS = {
    "xnli": ("test", pairs, ("en", "de", "hi")),
    "socialiqa": ("dev", choices, ("en",)),
    "xquad": ("test", questions, ("en", "de")),
    "squad_v2": ("dev", questions_or_none, ("en",)),
    "udpos": ("test", sentences, ("en", "ru")),
    "ccg": ("dev", supertags, ("en",)),
    "tatoeba": ("test", parallel, ("de", "ru")),
    "bucc2018": ("test", comparable, ("de",)),
    "lareqa": ("test", pool, ("de", "ru")),
    "mlm": ("dev", raw_texts, ("de", "hi")),
}


class MemorySource:
    """All kinds of tasks in a few languages; XNLI has a dev split in Thai too."""

    name = "memory"

    def tasks(self) -> tuple[str, ...]:
        return TASKS

    def languages(self, task_name: str, split: str) -> tuple[str, ...]:
        own, _, codes = MAKERS.get(task_name, ("", None, ()))
        if (task_name, split) == ("xnli", "dev"):
            return ("de", "th")
        return codes if split == own else ()

    def load(self, task_name: str, split: str, language: str) -> ExampleSet:
        examples = tuple(MAKERS[task_name][1](language))
        return ExampleSet(task_name, split, language, self.name, examples)

    def identity(self) -> dict[str, object]:
        return {"name": self.name}


def publish_tiny(folder: Path, *, key: str = "k1", seed: int = 1) -> Path:
    """Publishes a model with a head of each kind, whose predictions differ between examples."""
    encoder = folder.with_name(f"{folder.name}-encoder")
    bundle = load_encoder(str(tiny_encoder(encoder, seed=seed)))
    model = MultiTaskModel(bundle.model, HEADS, seed=seed).eval()
    with torch.no_grad():
        # First weights are so small that every example would get the same answer.
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
        bias = model.bank.heads["nli"].output.bias
        bias -= _mean_logits(model, bundle.tokenizer)
    lineage = (
        PhaseRecord("nli", "intermediate", ("mnli",), seed),
        PhaseRecord("all", "target", TASKS, seed),
    )
    publish(
        folder,
        dict(model.encoder.named_parameters()),
        dict(model.bank.heads.named_parameters()),
        bundle.model.config,
        bundle.tokenizer,
        Manifest(key, f"nli--all-{key}", "tiny", lineage, HEADS),
    )
    return folder


def _mean_logits(model: MultiTaskModel, tokenizer: PreTrainedTokenizerFast) -> torch.Tensor:
    examples = MemorySource().load("xnli", "test", "en")
    rows = list(encode(examples, task("xnli"), tokenizer, EncodeOptions()))
    return model.predict({**collate(rows, "pair", 1), "head": "nli"}).mean(0)

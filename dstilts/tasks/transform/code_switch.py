"""Code-switching: some English words of a training set replaced by words of other languages.

After CoSDA-ML (arXiv 2006.06402): word by word from bilingual lexicons; labels stay as they are.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dstilts.core.errors import UserError
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from dstilts.tasks.transform.edits import edited, moved
from dstilts.tasks.transform.lexicon import Lexicon, LexiconName, open_lexicon
from dstilts.tasks.transform.notes import annotated, require
from dstilts.tasks.transform.switcher import Count, Switcher
from dstilts.tasks.transform.words import WORD


@dataclass(frozen=True)
class CodeSwitch:
    """Which words are replaced, by what."""

    languages: tuple[str, ...]
    rate: float = 0.5  # the chance of every word; one without a translation stays
    per: Literal["word", "example"] = "word"  # for which one of the languages is drawn
    lexicon: LexiconName = "phrasebook"
    folder: Path | None = None  # of MUSE's files or of parallel files; none for "phrasebook"
    seed: int = 1

    def __post_init__(self) -> None:
        require(bool(self.languages), "languages must not be empty")
        require(len(set(self.languages)) == len(self.languages), "languages must be different")
        require("en" not in self.languages, "languages must not name English")
        require(0 <= self.rate <= 1, "rate must be from 0 to 1")
        needs = self.lexicon != "phrasebook"
        require(
            (self.folder is not None) == needs,
            f"folder must {'' if needs else 'not '}be given for lexicon = {self.lexicon!r}",
        )


def code_switch(
    examples: ExampleSet, options: CodeSwitch, lexicons: Sequence[Lexicon] | None = None
) -> ExampleSet:
    """The set with words replaced; ids, labels, tags and the number of tagged words stay.

    An example is switched the same whatever set it stands in, and what is replaced at one rate is
    replaced by the same at a higher one. Of several languages one is drawn among those that have
    the word (per word), or among all (per example). Answers of spans move and change with their
    context; a word that an answer cuts stays. A tagged word is replaced by single words only. Of
    choices two different ones never become the same. Of retrieval tasks the source side is
    switched.

    Args:
        lexicons: in place of those that the options name.

    Raises:
        UserError: the set is not English, or a lexicon cannot be read.
    """
    if examples.language != "en":
        raise UserError(
            f"code-switching starts from English, not from {examples.language!r}",
            remedy=f"switch the English examples of {examples.task} before others are added",
        )
    if lexicons is None:
        lexicons = [
            open_lexicon(options.lexicon, options.folder, code) for code in options.languages
        ]
    if any(isinstance(example, TaggingExample) for example in examples.examples):
        lexicons = [lexicon.of_single_words() for lexicon in lexicons]
    count = Count()
    changed = []
    for example in examples.examples:
        name = (options.seed, examples.task, examples.split, example.id)
        switcher = Switcher(name, options.rate, lexicons, count)
        if options.per == "example":
            switcher.draw_language()
        changed.append(_switched(example, switcher))
    return annotated(examples, changed, _note(options, lexicons, count))


def _note(options: CodeSwitch, lexicons: Sequence[Lexicon], count: Count) -> str:
    sizes = ", ".join(f"{lexicon.language} {len(lexicon)}" for lexicon in lexicons)
    words = max(count.words, 1)
    return (
        f"{count.replaced / words:.1%} of {count.words} words code-switched at rate "
        f"{options.rate:g}, drawn with seed {options.seed}, one language per {options.per}; "
        f"{count.known / words:.1%} are in the lexicons ({options.lexicon}: {sizes})"
    )


def _switched(example: Example, switcher: Switcher) -> Example:
    text = switcher.text
    match example:
        case PairExample():
            return dataclasses.replace(
                example, text_a=text(example.text_a), text_b=text(example.text_b)
            )
        case ChoiceExample():
            return dataclasses.replace(
                example,
                context=text(example.context),
                question=text(example.question),
                choices=switcher.choices(example.choices),
            )
        case SpanExample():
            edits = switcher.edits(example.context, example.answers)
            return dataclasses.replace(
                example,
                context=edited(example.context, edits),
                question=text(example.question),
                answers=moved(example.answers, example.context, edits),
            )
        case TaggingExample():
            return dataclasses.replace(
                example, words=tuple(_word(word, switcher) for word in example.words)
            )
        case SentenceExample(side="target"):
            return example
        case SentenceExample() | TextExample():
            return dataclasses.replace(example, text=text(example.text))


def _word(word: str, switcher: Switcher) -> str:
    """A tagged word is replaced if it is one English word as a whole."""
    return (switcher.word(word) if WORD.fullmatch(word) else None) or word

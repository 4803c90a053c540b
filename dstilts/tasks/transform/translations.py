"""Translated training data (XTREME's "translate-train"): English with translations, or without."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.leakage import without_leaks
from dstilts.tasks.training_sets import MANY_LANGUAGES
from dstilts.tasks.transform.notes import annotated, require
from dstilts.tasks.transform.size import Size, resized


@dataclass(frozen=True)
class Translations:
    """Which translations of the training set are taken."""

    folder: Path  # see `translation_files`
    languages: tuple[str, ...] = ()  # empty: all that are there
    with_english: bool = True
    limit: int | None = None  # examples a language; English is not limited
    seed: int = 1

    def __post_init__(self) -> None:
        require(len(set(self.languages)) == len(self.languages), "languages must be different")
        require("en" not in self.languages, "languages must not name English: see with_english")
        require(self.limit is None or self.limit > 0, "limit must be greater than 0")


def with_translations(
    training: ExampleSet,
    translations: Sequence[ExampleSet],
    options: Translations,
    evaluations: Iterable[ExampleSet] = (),
) -> ExampleSet:
    """English with its translations, or these alone; ids stand behind "en-", "de-".

    Limits take the same items of every language whose files have the same number of examples.

    Args:
        translations: one set a language, from `translation_files.load_translations`.
        evaluations: sets whose texts are left out of the translations.

    Raises:
        UserError: of some language nothing is left.
    """
    evaluated = tuple(evaluations)
    english = [training] if options.with_english else []
    limit = options.limit
    taken = [
        without_leaks(
            resized(examples, Size(limit, seed=options.seed)) if limit else examples, evaluated
        )
        for examples in translations
    ]
    sets = [*english, *taken]
    mixed = dataclasses.replace(
        training,
        language=sets[0].language if len(sets) == 1 else MANY_LANGUAGES,
        files=tuple(file for examples in sets for file in examples.files),
        subset=training.subset if options.with_english else None,
    )
    notes = [
        f"{examples.language} {len(examples)}"
        + (f" ({examples.subset})" if examples.subset else "")
        for examples in taken
    ]
    how = "with" if options.with_english else "in place of English,"
    return annotated(
        mixed,
        (
            dataclasses.replace(example, id=f"{examples.language}-{example.id}")
            for examples in sets
            for example in examples.examples
        ),
        f"{how} translations: {', '.join(notes)}",
    )

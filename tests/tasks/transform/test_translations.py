"""English mixed with translations, or translations alone."""

from pathlib import Path
from typing import Any

import pytest

from dstilts.tasks.examples import ExampleSet, PairExample
from dstilts.tasks.transform.translations import Translations, with_translations
from tests.tasks.transform.conftest import MakeSet


@pytest.fixture
def sets(make_set: MakeSet) -> list[ExampleSet]:
    return [
        make_set(
            "mnli",
            [PairExample(str(n), f"{code} {n}", "b", "neutral") for n in range(6)],
            language=code,
            subset="own split" if code == "en" else None,
        )
        for code in ("en", "de", "sw")
    ]


def test_a_mix(sets: list[ExampleSet]) -> None:
    english, *others = sets
    mixed = with_translations(english, others, Translations(Path("x"), limit=2))
    ids = [example.id for example in mixed.examples]
    assert ids[:6] == [f"en-{n}" for n in range(6)]
    german, swahili = ids[6:8], ids[8:]
    assert [name.replace("de", "sw") for name in german] == swahili
    assert (mixed.language, len(mixed)) == ("mul", 10)
    assert mixed.subset == (
        "own split; with translations: de 2 (2 of 6, drawn with seed 1, nested), "
        "sw 2 (2 of 6, drawn with seed 1, nested)"
    )


def test_translations_alone(sets: list[ExampleSet]) -> None:
    options = Translations(Path("x"), with_english=False)
    alone = with_translations(sets[0], sets[1:2], options)
    assert [example.id for example in alone.examples] == [f"de-{n}" for n in range(6)]
    assert alone.language == "de"
    assert alone.subset == "in place of English, translations: de 6"


def test_evaluation_texts_are_left_out(sets: list[ExampleSet], make_set: MakeSet) -> None:
    evaluated = make_set("xnli", [PairExample("9", "DE 3", "b", "neutral")], "dev", "de")
    mixed = with_translations(sets[0], sets[1:2], Translations(Path("x")), iter([evaluated]))
    assert "de-3" not in {example.id for example in mixed.examples}
    assert len(mixed) == 11


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": ("de", "de")}, "languages must be different"),
        ({"languages": ("en",)}, "languages must not name English"),
        ({"limit": 0}, "limit must be greater than 0"),
    ],
)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Translations(Path("x"), **options)

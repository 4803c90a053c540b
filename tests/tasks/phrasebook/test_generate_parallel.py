"""Parallel sentences: enough pairs, all distinct on both sides, matched by id."""

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_parallel import parallel_examples
from dstilts.tasks.phrasebook.generator import Part


@pytest.mark.parametrize("code", [code for code in available_languages() if code != "en"])
def test_pairs_are_distinct_and_matched(code: str) -> None:
    examples = parallel_examples(Part("tatoeba", "test", "test", 320), load_language(code))
    sources = [example for example in examples if example.side == "source"]
    targets = [example for example in examples if example.side == "target"]
    assert len(sources) == len(targets) == 320
    for side in (sources, targets):
        assert len({example.text for example in side}) == 320
    by_id = {example.id: example for example in examples}
    assert len(by_id) == 640
    for source in sources:
        assert by_id[source.matches[0]].matches == (source.id,)


def test_the_pairs_mean_the_same() -> None:
    examples = parallel_examples(Part("tatoeba", "test", "test", 320), load_language("de"))
    half = len(examples) // 2
    pairs = {e.text: t.text for e, t in zip(examples[:half], examples[half:], strict=True)}
    for german, english in pairs.items():
        assert ("Rom" in german.split(" ")) <= ("Rome" in english)
        assert german.endswith("?") == english.endswith("?")

"""Where the files of retrieval are.

| task | own layout | XTREME's `download/` |
|---|---|---|
| tatoeba | `tatoeba/v1/tatoeba.III-eng.{III,eng}` | `tatoeba/XX-en.{XX,en}`, no gold |
| bucc2018 | `bucc2018/XX-en/XX-en.{sample,training}.{XX,en,gold}` | `bucc2018/XX-en.{dev,test}.*` |
| lareqa | `lareqa/xquad-r/XX.json`; trains on SQuAD v1.1, see `spans` | |
| mewslix | `mewslix/wikipedia_pairs-train.jsonl`, `mewslix/wikinews_mentions-{dev,test}.jsonl`, \
`mewslix/candidate_set_entities.jsonl` | |

BUCC's sample is the dev split, its training set the test split.
"""

from dstilts.tasks.layouts.files import Files, Group, Others, Splits
from dstilts.tasks.readers.bucc import mining, read_gold, read_numbered_sentences
from dstilts.tasks.readers.lareqa import (
    matched,
    ranking,
    read_answer_sentences,
    read_candidates,
    read_questions,
)
from dstilts.tasks.readers.mewslix import (
    linking,
    read_entities,
    read_mention_pairs,
    read_mentions,
)
from dstilts.tasks.readers.parallel import parallel, read_sentences, shuffled

_SPLITS_OF_BUCC = {"dev": "sample", "test": "training"}


def _bucc(split: str) -> tuple[Files, ...]:
    layouts = []
    for stem in (
        f"bucc2018/{{lang}}-en/{{lang}}-en.{_SPLITS_OF_BUCC[split]}",
        f"bucc2018/{{lang}}-en.{split}",
    ):
        sides = (
            Group(f"{stem}.{{lang}}", read_numbered_sentences),
            Group(f"{stem}.en", read_numbered_sentences),
        )
        layouts.append(Files((*sides, Group(f"{stem}.gold", read_gold)), mining))
        if split == "test":
            layouts.append(Files(sides, mining, absent=f"{stem}.gold", note="no gold pairs"))
    return tuple(layouts)


def _mewslix(split: str) -> Files:
    return Files(
        (
            Group(f"mewslix/wikinews_mentions-{split}.jsonl", read_mentions),
            Group("mewslix/candidate_set_entities.jsonl", read_entities),
        ),
        linking,
    )


RETRIEVAL: dict[str, Splits] = {
    "tatoeba": {
        "test": (
            Files(
                (
                    Group("tatoeba/v1/tatoeba.{iso3}-eng.{iso3}", read_sentences),
                    Group("tatoeba/v1/tatoeba.{iso3}-eng.eng", read_sentences),
                ),
                parallel,
            ),
            Files(
                (
                    Group("tatoeba/{lang}-en.{lang}", read_sentences),
                    Group("tatoeba/{lang}-en.en", read_sentences),
                ),
                shuffled,
                note="the English side is sorted, what matches is not known",
            ),
        ),
    },
    "bucc2018": {split: _bucc(split) for split in ("dev", "test")},
    "lareqa": {
        "train": (
            Files(
                (Group("squad/train-v1.1.json", read_answer_sentences),),
                matched,
                note="derived from SQuAD v1.1",
            ),
            Files(
                (Group("squad/train-v1.1.subset.json", read_answer_sentences),),
                matched,
                absent="squad/train-v1.1.json",
                note="derived from SQuAD v1.1: its dev file less XQuAD's paragraphs; no train file",
            ),
        ),
        "test": (
            Files(
                (
                    Group("lareqa/xquad-r/{lang}.json", read_questions),
                    Group("lareqa/xquad-r/*.json", read_candidates, counted=False),
                ),
                ranking,
            ),
        ),
    },
    "mewslix": {
        "train": (
            Files((Group("mewslix/wikipedia_pairs-train.jsonl", read_mention_pairs),), matched),
        ),
        "dev": (_mewslix("dev"),),
        "test": (_mewslix("test"),),
    },
}

OTHER_RETRIEVAL: dict[str, tuple[Others, ...]] = {
    "tatoeba": (
        Others(
            Group("tatoeba/v1/tatoeba.*-eng.*", read_sentences),
            "a language that neither XTREME nor XTREME-R evaluates",
        ),
    ),
    "mewslix": (
        Others(
            Group("mewslix/wikipedia_pairs-dev.jsonl", read_mention_pairs),
            "English pairs; the dev split is that of the mentions in news",
        ),
    ),
}

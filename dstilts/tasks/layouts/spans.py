"""Where the files of span question answering are; XTREME's `download/` has the same names.

| task | files |
|---|---|
| squad_v1 | `squad/{train,dev}-v1.1.json` |
| squad_v2 | `squad/{train,dev}-v2.0.json` |
| xquad | `xquad/xquad.XX.json` |
| mlqa | `mlqa/MLQA_V1/{dev,test}/{dev,test}-context-XX-question-XX.json` |
| tydiqa | `tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json`, or, of all languages, |
| | `tydiqa/tydiqa-goldp-v1.1-train.json`, also in the folder `tydiqa-goldp-v1.1-train` |
| | `tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.XX.dev.json` |

The training set of TyDiQA is the English questions, whatever else a file holds.
"""

from collections.abc import Sequence

from dstilts.tasks.examples import SpanExample
from dstilts.tasks.layouts.files import Files, Group, Others, Splits, own_splits, whole
from dstilts.tasks.readers.rows import Read, rows_of
from dstilts.tasks.readers.spans import english_only, read_squad, read_squad_numbered

# The subset is the published dev file less the paragraphs that XQuAD was made from; other
# paragraphs of XQuAD's articles are in it.
_SQUAD_OWN = own_splits(
    ("squad/train-v1.1.subset.json",),
    read_squad,
    absent="squad/train-v1.1.json",
    note="the published dev file less XQuAD's paragraphs (not less its articles), by hash of the "
    "article; no train file",
)


def _without_paragraphs(reads: Sequence[Sequence[Read]], language: str) -> list[SpanExample]:
    """The questions of the first file without those on a paragraph of the second."""
    taken = {example.context for example in rows_of(reads[1])}
    return [example for example in rows_of(reads[0]) if example.context not in taken]


def _english(reads: Sequence[Sequence[Read]], language: str) -> list[SpanExample]:
    return english_only(rows_of(reads[0]))


_SQUAD_V2_OWN = own_splits(
    ("squad/dev-v2.0.json",),
    read_squad,
    absent="squad/train-v2.0.json",
    note="the published dev file less XQuAD's paragraphs (not less its articles), by hash of the "
    "article; no train file",
    join=_without_paragraphs,
    others=(Group("xquad/xquad.en.json", read_squad),),
)
_TYDIQA = "tydiqa/tydiqa-goldp-v1.1"

SPANS: dict[str, Splits] = {
    "squad_v1": {
        "train": (whole("squad/train-v1.1.json", read_squad), _SQUAD_OWN["train"]),
        "dev": (_SQUAD_OWN["dev"], whole("squad/dev-v1.1.json", read_squad)),
    },
    "squad_v2": {
        "train": (whole("squad/train-v2.0.json", read_squad), _SQUAD_V2_OWN["train"]),
        "dev": (_SQUAD_V2_OWN["dev"], whole("squad/dev-v2.0.json", read_squad)),
    },
    "xquad": {"test": (whole("xquad/xquad.{lang}.json", read_squad),)},
    "mlqa": {
        split: (
            whole(
                f"mlqa/MLQA_V1/{split}/{split}-context-{{lang}}-question-{{lang}}.json", read_squad
            ),
        )
        for split in ("dev", "test")
    },
    "tydiqa": {
        "train": (
            Files(
                (Group(f"{_TYDIQA}-train/tydiqa.goldp.{{lang}}.train.json", read_squad_numbered),),
                join=_english,
            ),
            Files(
                (Group(f"{_TYDIQA}-train/tydiqa-goldp-v1.1-train.json", read_squad_numbered),),
                join=_english,
            ),
            Files((Group(f"{_TYDIQA}-train.json", read_squad_numbered),), join=_english),
        ),
        "dev": (whole(f"{_TYDIQA}-dev/tydiqa.goldp.{{lang}}.dev.json", read_squad),),
    },
}

OTHER_SPANS: dict[str, tuple[Others, ...]] = {
    "mlqa": tuple(
        Others(
            Group(f"mlqa/MLQA_V1/{split}/{split}-context-*-question-*.json", read_squad),
            "context and question in two languages: no benchmark counts them",
        )
        for split in ("dev", "test")
    ),
    "tydiqa": (
        Others(
            Group(f"{_TYDIQA}-train/tydiqa.goldp.*.train.json", read_squad_numbered),
            "training is on English",
        ),
    ),
}

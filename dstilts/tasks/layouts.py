"""Where a folder of data sets keeps each split: upstream's names, and own splits without them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import Example
from dstilts.tasks.readers.choices import read_commonsenseqa, read_socialiqa
from dstilts.tasks.readers.conllu import read_conllu
from dstilts.tasks.readers.pairs import (
    read_nli_jsonl,
    read_nli_tsv,
    read_pawsx_tsv,
    read_qqp_tsv,
)
from dstilts.tasks.readers.spans import read_squad, read_squad_numbered
from dstilts.tasks.readers.tagging import read_tagging_tsv

Reader = Callable[[Path, TaskSpec], Sequence[Example]]


@dataclass(frozen=True)
class Part:
    """A fixed share of a file's examples, chosen by the hash of what must stay together.

    Attributes:
        group: `premise` (pairs) or `article` (questions): examples of one group go the same way.
    """

    low: float
    high: float
    group: Literal["premise", "article"]


@dataclass(frozen=True)
class Files:
    """The files of one split in one layout.

    Attributes:
        paths: names below the data folder, with {lang} and {iso3} for the language and * for any
            text; each is looked for plain and with .gz. All have to be there; those of a pattern
            with * are joined in the order of their names.
        reader: None for parallel files, which are read in pairs.
        part: the share of the examples that this split takes; None: all.
        absent: the layout only counts where this file is not there.
        note: what the split is instead of the published one; None: it is the published one.
    """

    paths: tuple[str, ...]
    reader: Reader | None
    part: Part | None = None
    absent: str | None = None
    note: str | None = None


def _whole(path: str, reader: Reader, note: str | None = None) -> Files:
    return Files((path,), reader, note=note)


def _own(
    paths: tuple[str, ...],
    reader: Reader,
    absent: str,
    note: str,
    group: Literal["premise", "article"],
) -> dict[str, Files]:
    """An own train (90 %) and dev (10 %) split of files, for want of the published train file."""
    return {
        split: Files(paths, reader, Part(low, high, group), absent, f"own split: {share} of {note}")
        for split, low, high, share in (("train", 0.0, 0.9, "90 %"), ("dev", 0.9, 1.0, "10 %"))
    }


_MNLI_OWN = _own(
    ("mnli/multinli_1.0_train.subset.jsonl",),
    read_nli_jsonl,
    absent="mnli/multinli_1.0_train.jsonl",
    note="a subset of the published train file, by hash of the premise",
    group="premise",
)
_SNLI_OWN = _own(
    ("snli/snli_1.0_dev.jsonl", "snli/snli_1.0_test.jsonl"),
    read_nli_jsonl,
    absent="snli/snli_1.0_train.jsonl",
    note="the published dev and test files, by hash of the premise; no train file",
    group="premise",
)
# The subset is the published dev file less the paragraphs that XQuAD was made from; other
# paragraphs of XQuAD's articles are in it.
_SQUAD_OWN = _own(
    ("squad/train-v1.1.subset.json",),
    read_squad,
    absent="squad/train-v1.1.json",
    note="the published dev file less XQuAD's paragraphs (not less its articles), by hash of the "
    "article; no train file",
    group="article",
)

# By task and split, what is looked for first stands first.
LAYOUTS: Mapping[str, Mapping[str, tuple[Files, ...]]] = {
    "mnli": {
        "train": (_whole("mnli/multinli_1.0_train.jsonl", read_nli_jsonl), _MNLI_OWN["train"]),
        "dev": (_whole("mnli/multinli_1.0_dev_matched.jsonl", read_nli_jsonl), _MNLI_OWN["dev"]),
    },
    "snli": {
        "train": (_whole("snli/snli_1.0_train.jsonl", read_nli_jsonl), _SNLI_OWN["train"]),
        "dev": (_SNLI_OWN["dev"], _whole("snli/snli_1.0_dev.jsonl", read_nli_jsonl)),
    },
    "qqp": {
        "train": (
            _whole("qqp/train.tsv", read_qqp_tsv),
            _whole("qqp/train.subset.tsv", read_qqp_tsv, "a balanced subset of the train file"),
        ),
        "dev": (
            _whole("qqp/dev.tsv", read_qqp_tsv),
            _whole("qqp/dev.subset.tsv", read_qqp_tsv, "a balanced subset of the dev file"),
        ),
    },
    "squad_v1": {
        "train": (_whole("squad/train-v1.1.json", read_squad), _SQUAD_OWN["train"]),
        "dev": (_SQUAD_OWN["dev"], _whole("squad/dev-v1.1.json", read_squad)),
    },
    "socialiqa": {
        "train": (_whole("socialiqa/socialiqa-train-dev/train.jsonl", read_socialiqa),),
        "dev": (_whole("socialiqa/socialiqa-train-dev/dev.jsonl", read_socialiqa),),
        "test": (_whole("socialiqa/socialIQa_v1.4_tst.jsonl", read_socialiqa),),
    },
    "commonsenseqa": {
        "train": (_whole("commonsenseqa/train_rand_split.jsonl", read_commonsenseqa),),
        "dev": (_whole("commonsenseqa/dev_rand_split.jsonl", read_commonsenseqa),),
    },
    "udpos": {
        "train": (_whole("udpos/xtreme/train-{lang}.tsv", read_tagging_tsv),),
        "dev": (_whole("udpos/xtreme/dev-{lang}.tsv", read_tagging_tsv),),
        "test": (
            _whole("udpos/xtreme/test-{lang}.tsv", read_tagging_tsv),
            _whole(
                "udpos/r2.5/*/{lang}_*-ud-test.conllu",
                read_conllu,
                "joined from the UD 2.5 treebanks at hand, not from all of the language",
            ),
        ),
    },
    "xnli": {
        "dev": (_whole("xnli/dev-{lang}.tsv", read_nli_tsv),),
        "test": (_whole("xnli/labels/test-{lang}.tsv", read_nli_tsv),),
    },
    "pawsx": {
        "train": (_whole("pawsx/x-final/{lang}/train.tsv", read_pawsx_tsv),),
        "dev": (_whole("pawsx/x-final/{lang}/dev_2k.tsv", read_pawsx_tsv),),
        "test": (_whole("pawsx/x-final/{lang}/test_2k.tsv", read_pawsx_tsv),),
    },
    "xquad": {"test": (_whole("xquad/xquad.{lang}.json", read_squad),)},
    "tydiqa": {
        "train": (
            _whole(
                "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.{lang}.train.json",
                read_squad_numbered,
            ),
        ),
        "dev": (_whole("tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.{lang}.dev.json", read_squad),),
    },
    "tatoeba": {
        "test": (
            Files(
                ("tatoeba/v1/tatoeba.{iso3}-eng.{iso3}", "tatoeba/v1/tatoeba.{iso3}-eng.eng"),
                reader=None,
            ),
        ),
    },
}

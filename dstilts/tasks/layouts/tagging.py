"""Where the files of tagging are.

| task | own layout | XTREME's `download/` |
|---|---|---|
| udpos | `udpos/RELEASE/UD_*/XX_*-ud-{train,dev,test}.conllu` | `udpos/{train,dev,test}-XX.tsv` |
| | `udpos/xtreme/{train,dev,test}-XX.tsv` | |
| panx | `panx/{raw/,}XX/{train,dev,test}` | `panx/{train,dev,test}-XX.tsv` |
| ccg | `ccg/ccgbank_1_1/data/AUTO/NN/*.auto`, `ccg/wsj{02-21,00,23}.stagged` | |
| ccg_pmb | `ccg/pmb-4.0.0/XX/gold/{train,dev,test}.conll` | |

A release of UD is r2.5, r2.7, ud-treebanks-v2.5 or ud-treebanks-v2.7. CCGbank's sections 02 to 21
train, 00 is dev and 23 is test.
"""

from dstilts.tasks.layouts.files import Files, Group, Others, Splits, whole
from dstilts.tasks.readers.ccg import read_ccg_pipes, read_ccgbank_auto, read_pmb
from dstilts.tasks.readers.conllu import read_conllu
from dstilts.tasks.readers.tagging import read_panx, read_panx_raw, read_tagging_tsv

_CCG_SECTIONS = {"train": range(2, 22), "dev": range(0, 1), "test": range(23, 24)}
_CCG_PIPES = {"train": "wsj02-21", "dev": "wsj00", "test": "wsj23"}
_UD_FOLDERS = ("r2.5", "r2.7", "ud-treebanks-v2.5", "ud-treebanks-v2.7")


def _udpos(split: str) -> tuple[Files, ...]:
    treebanks = tuple(
        whole(
            f"udpos/{folder}/*/{{lang}}_*-ud-{split}.conllu",
            read_conllu,
            f"joined from the treebanks at hand ({folder}), perhaps not all of the language",
        )
        for folder in _UD_FOLDERS
    )
    published = whole(f"udpos/xtreme/{split}-{{lang}}.tsv", read_tagging_tsv)
    stripped = whole(f"udpos/{split}-{{lang}}.tsv", read_tagging_tsv)
    # XTREME's own test files have no tags: treebanks, which do, go first.
    if split == "test":
        return (published, *treebanks, stripped)
    return (published, stripped, *treebanks)


def _panx(split: str) -> tuple[Files, ...]:
    published = whole(f"panx/{split}-{{lang}}.tsv", read_panx)
    raw = (
        whole(f"panx/raw/{{lang}}/{split}", read_panx_raw),
        whole(f"panx/{{lang}}/{split}", read_panx_raw),
    )
    return (*raw, published) if split == "test" else (published, *raw)


def _ccg(split: str) -> tuple[Files, ...]:
    sections = tuple(
        Group(f"ccg/ccgbank_1_1/data/AUTO/{number:02}/*.auto", read_ccgbank_auto)
        for number in _CCG_SECTIONS[split]
    )
    return (Files(sections), whole(f"ccg/{_CCG_PIPES[split]}.stagged", read_ccg_pipes))


_SPLITS = ("train", "dev", "test")

TAGGING: dict[str, Splits] = {
    "udpos": {split: _udpos(split) for split in _SPLITS},
    "panx": {split: _panx(split) for split in _SPLITS},
    "ccg": {split: _ccg(split) for split in _SPLITS},
    "ccg_pmb": {
        split: (whole(f"ccg/pmb-4.0.0/{{lang}}/gold/{split}.conll", read_pmb),) for split in _SPLITS
    },
}

OTHER_TAGGING: dict[str, tuple[Others, ...]] = {
    "ccg_pmb": (
        Others(
            Group("ccg/pmb-4.0.0/*/gold/eval.conll", read_pmb), "the bank's fourth, extra split"
        ),
        Others(Group("ccg/pmb-4.0.0/*/gold/train.conll", read_pmb), "training is on English"),
    ),
}

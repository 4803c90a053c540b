"""Where the files of pair classification are.

| task | own layout | XTREME's `download/` |
|---|---|---|
| anli | `anli/anli_v1.0/R{1,2,3}/{train,dev,test}.jsonl` | |
| mnli | `mnli/multinli_1.0_{train,dev_matched}.jsonl` | `xnli/train-en.tsv` |
| snli | `snli/snli_1.0_{train,dev,test}.jsonl` | |
| qqp | `qqp/{train,dev}.tsv` | |
| xnli | `xnli/dev-XX.tsv`, `xnli/labels/test-XX.tsv` | `xnli/{dev,test}-XX.tsv` |
| pawsx | `pawsx/x-final/XX/{train,dev_2k,test_2k}.tsv` | `pawsx/{train,dev,test}-XX.tsv` |
"""

from dstilts.tasks.layouts.files import (
    Files,
    Group,
    Others,
    Reader,
    Splits,
    own_splits,
    whole,
)
from dstilts.tasks.readers.pairs import (
    read_anli,
    read_nli_jsonl,
    read_pair_tsv,
    read_pawsx_tsv,
    read_qqp_tsv,
)

_ROUNDS = ("R1", "R2", "R3")


def _anli(split: str) -> tuple[str, ...]:
    return tuple(f"anli/anli_v1.0/{name}/{split}.jsonl" for name in _ROUNDS)


def _all_of(patterns: tuple[str, ...], reader: Reader) -> Files:
    return Files(tuple(Group(pattern, reader) for pattern in patterns))


_ANLI_OWN = own_splits(
    _anli("dev"),
    read_anli,
    absent="anli/anli_v1.0/R1/train.jsonl",
    note="the published dev files of all rounds, by hash of the premise; no train file",
)
_MNLI_OWN = own_splits(
    ("mnli/multinli_1.0_train.subset.jsonl",),
    read_nli_jsonl,
    absent="mnli/multinli_1.0_train.jsonl",
    note="a subset of the published train file, by hash of the premise",
)
_SNLI_OWN = own_splits(
    ("snli/snli_1.0_dev.jsonl", "snli/snli_1.0_test.jsonl"),
    read_nli_jsonl,
    absent="snli/snli_1.0_train.jsonl",
    note="the published dev and test files, by hash of the premise; no train file",
)

PAIRS: dict[str, Splits] = {
    "anli": {
        "train": (_all_of(_anli("train"), read_anli), _ANLI_OWN["train"]),
        "dev": (_ANLI_OWN["dev"], _all_of(_anli("dev"), read_anli)),
        "test": (_all_of(_anli("test"), read_anli),),
    },
    "mnli": {
        "train": (
            whole("mnli/multinli_1.0_train.jsonl", read_nli_jsonl),
            whole("xnli/train-en.tsv", read_pair_tsv),
            _MNLI_OWN["train"],
        ),
        "dev": (whole("mnli/multinli_1.0_dev_matched.jsonl", read_nli_jsonl), _MNLI_OWN["dev"]),
    },
    "snli": {
        "train": (whole("snli/snli_1.0_train.jsonl", read_nli_jsonl), _SNLI_OWN["train"]),
        "dev": (_SNLI_OWN["dev"], whole("snli/snli_1.0_dev.jsonl", read_nli_jsonl)),
        "test": (
            Files(
                (Group("snli/snli_1.0_test.jsonl", read_nli_jsonl),),
                needs="snli/snli_1.0_train.jsonl",
            ),
        ),
    },
    "qqp": {
        "train": (
            whole("qqp/train.tsv", read_qqp_tsv),
            whole("qqp/train.subset.tsv", read_qqp_tsv, "a balanced subset of the train file"),
        ),
        "dev": (
            whole("qqp/dev.tsv", read_qqp_tsv),
            whole("qqp/dev.subset.tsv", read_qqp_tsv, "a balanced subset of the dev file"),
        ),
    },
    "xnli": {
        "dev": (whole("xnli/dev-{lang}.tsv", read_pair_tsv),),
        "test": (
            whole("xnli/labels/test-{lang}.tsv", read_pair_tsv),
            whole("xnli/test-{lang}.tsv", read_pair_tsv),
        ),
    },
    "pawsx": {
        "train": (
            whole("pawsx/x-final/{lang}/train.tsv", read_pawsx_tsv),
            whole("pawsx/train-{lang}.tsv", read_pair_tsv),
        ),
        "dev": (
            whole("pawsx/x-final/{lang}/dev_2k.tsv", read_pawsx_tsv),
            whole("pawsx/dev-{lang}.tsv", read_pair_tsv),
        ),
        "test": (
            whole("pawsx/x-final/{lang}/test_2k.tsv", read_pawsx_tsv),
            whole("pawsx/test-{lang}.tsv", read_pair_tsv),
        ),
    },
}

OTHER_PAIRS: dict[str, tuple[Others, ...]] = {
    "mnli": (
        Others(
            Group("mnli/multinli_1.0_dev_mismatched.jsonl", read_nli_jsonl),
            "the matched dev file is reported",
        ),
    ),
}

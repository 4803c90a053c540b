"""Where the files of multiple choice are.

| task | own layout | XTREME-R's `download/` |
|---|---|---|
| hellaswag | `hellaswag/hellaswag_{train,val,test}.jsonl` | |
| cosmosqa | `cosmosqa/{train,valid}.csv`, `cosmosqa/test.jsonl` | |
| commonsenseqa | `commonsenseqa/{train,dev}_rand_split.jsonl` | |
| | `commonsenseqa/test_rand_split_no_answers.jsonl` | |
| socialiqa | `socialiqa/socialiqa-train-dev/{train,dev}{.jsonl,-labels.lst}` | |
| | `socialiqa/socialIQa_v1.4_{trn,dev,tst}.jsonl` | `siqa/socialIQa_v1.4_{trn,dev,tst}.jsonl` |
| copa | `copa/{train,val,test}.jsonl` | `xcopa/{train,val,test}.en.jsonl` |
| xcopa | `xcopa/data/XX/{val,test}.XX.jsonl` | `xcopa/{val,test}.XX.jsonl` |
"""

from collections.abc import Sequence

from dstilts.tasks.examples import ChoiceExample
from dstilts.tasks.layouts.files import Files, Group, Others, Splits, own_splits, whole
from dstilts.tasks.readers.choices import (
    read_commonsenseqa,
    read_copa,
    read_cosmosqa,
    read_hellaswag,
    read_labels,
    read_socialiqa,
)
from dstilts.tasks.readers.rows import Read, rows_of

_HELLASWAG_OWN = own_splits(
    ("hellaswag/hellaswag_val.jsonl",),
    read_hellaswag,
    absent="hellaswag/hellaswag_train.jsonl",
    note="the published val file, by hash of the context; no train file",
)
_COSMOSQA_OWN = {
    ending: own_splits(
        (f"cosmosqa/valid.{ending}",),
        read_cosmosqa,
        absent="cosmosqa/train.csv",
        note="the published valid file, by hash of the context; no train file",
    )
    for ending in ("csv", "jsonl")
}


def _examples(reads: Sequence[Sequence[Read]], language: str) -> list[ChoiceExample]:
    """The rows of the first file: its reader has read the labels beside it."""
    return rows_of(reads[0])


def _socialiqa(split: str, ending: str) -> tuple[Files, ...]:
    stem = f"socialiqa/socialiqa-train-dev/{split}"
    examples = Group(f"{stem}.jsonl", read_socialiqa)
    with_labels = Files((examples, Group(f"{stem}-labels.lst", read_labels)), _examples)
    versions = tuple(
        whole(f"{folder}/socialIQa_v1.4_{ending}.jsonl", read_socialiqa)
        for folder in ("socialiqa", "siqa")
    )
    return (*((with_labels, Files((examples,))) if split != "test" else ()), *versions)


CHOICES: dict[str, Splits] = {
    "hellaswag": {
        "train": (
            whole("hellaswag/hellaswag_train.jsonl", read_hellaswag),
            _HELLASWAG_OWN["train"],
        ),
        "dev": (_HELLASWAG_OWN["dev"], whole("hellaswag/hellaswag_val.jsonl", read_hellaswag)),
        "test": (whole("hellaswag/hellaswag_test.jsonl", read_hellaswag),),
    },
    "cosmosqa": {
        "train": (
            whole("cosmosqa/train.csv", read_cosmosqa),
            _COSMOSQA_OWN["csv"]["train"],
            _COSMOSQA_OWN["jsonl"]["train"],
        ),
        "dev": (
            _COSMOSQA_OWN["csv"]["dev"],
            _COSMOSQA_OWN["jsonl"]["dev"],
            whole("cosmosqa/valid.csv", read_cosmosqa),
            whole("cosmosqa/valid.jsonl", read_cosmosqa),
        ),
        "test": (whole("cosmosqa/test.jsonl", read_cosmosqa),),
    },
    "commonsenseqa": {
        "train": (whole("commonsenseqa/train_rand_split.jsonl", read_commonsenseqa),),
        "dev": (whole("commonsenseqa/dev_rand_split.jsonl", read_commonsenseqa),),
        "test": (whole("commonsenseqa/test_rand_split_no_answers.jsonl", read_commonsenseqa),),
    },
    "socialiqa": {
        split: _socialiqa(split, ending)
        for split, ending in (("train", "trn"), ("dev", "dev"), ("test", "tst"))
    },
    "copa": {
        split: (whole(f"copa/{name}.jsonl", read_copa), whole(f"xcopa/{name}.en.jsonl", read_copa))
        for split, name in (("train", "train"), ("dev", "val"), ("test", "test"))
    },
    "xcopa": {
        split: (
            whole(f"xcopa/data/{{lang}}/{name}.{{lang}}.jsonl", read_copa),
            whole(f"xcopa/{name}.{{lang}}.jsonl", read_copa),
        )
        for split, name in (("dev", "val"), ("test", "test"))
    },
}

OTHER_CHOICES: dict[str, tuple[Others, ...]] = {}

"""What the phrasebook has of each task: splits with their sizes, entries and languages."""

from dstilts.tasks.phrasebook.format import available_languages
from dstilts.tasks.phrasebook.generator import Part

# Training splits, and the development splits that go with them, use the training entries in
# English; evaluation splits the others, in every language. Intermediate tasks have a test split
# in every language unless a target task with the same head and labels is one. The same hypotheses,
# questions and sentences are asked in all languages. The size of a retrieval task's split is that
# of one side, or of its questions.
PARTS = (
    Part("anli", "train", "train", 2400),
    Part("anli", "dev", "train", 300),
    Part("mnli", "train", "train", 2400),
    Part("mnli", "dev", "train", 300),
    Part("snli", "train", "train", 2400),
    Part("snli", "dev", "train", 300),
    Part("qqp", "train", "train", 1200),
    Part("qqp", "dev", "train", 150),
    Part("qqp", "test", "test", 200),
    Part("squad_v1", "train", "train", 1200),
    Part("squad_v1", "dev", "train", 150),
    Part("squad_v2", "train", "train", 1200),
    Part("squad_v2", "dev", "train", 150),
    Part("squad_v2", "test", "test", 210),
    Part("hellaswag", "train", "train", 1200),
    Part("hellaswag", "dev", "train", 150),
    Part("hellaswag", "test", "test", 200),
    Part("cosmosqa", "train", "train", 1200),
    Part("cosmosqa", "dev", "train", 150),
    Part("cosmosqa", "test", "test", 200),
    Part("commonsenseqa", "train", "train", 1200),
    Part("commonsenseqa", "dev", "train", 150),
    Part("commonsenseqa", "test", "test", 200),
    Part("socialiqa", "train", "train", 1200),
    Part("socialiqa", "dev", "train", 150),
    Part("socialiqa", "test", "test", 200),
    Part("copa", "train", "train", 800),
    Part("copa", "dev", "train", 100),
    Part("ccg", "train", "train", 1200),
    Part("ccg", "dev", "train", 150),
    Part("ccg", "test", "test", 200),
    Part("ccg_pmb", "train", "train", 1200),
    Part("ccg_pmb", "dev", "train", 150),
    Part("ccg_pmb", "test", "test", 200),
    Part("mlm", "train", "train", 800),
    Part("mlm", "dev", "train", 100),
    Part("xnli", "dev", "test", 150),
    Part("xnli", "test", "test", 300),
    Part("pawsx", "train", "train", 1200),
    Part("pawsx", "dev", "test", 100),
    Part("pawsx", "test", "test", 200),
    Part("xcopa", "dev", "test", 100),
    Part("xcopa", "test", "test", 200),
    Part("udpos", "train", "train", 1600),
    Part("udpos", "dev", "train", 200),
    Part("udpos", "test", "test", 200),
    Part("panx", "train", "train", 1200),
    Part("panx", "dev", "train", 150),
    Part("panx", "test", "test", 200),
    Part("xquad", "test", "test", 200),
    Part("mlqa", "dev", "test", 100),
    Part("mlqa", "test", "test", 200),
    Part("tydiqa", "train", "train", 800),
    Part("tydiqa", "dev", "test", 150),
    Part("bucc2018", "dev", "test", 120),
    Part("bucc2018", "test", "test", 300),
    Part("tatoeba", "test", "test", 320),
    Part("lareqa", "train", "train", 800),
    Part("lareqa", "test", "test", 85),
    Part("mewslix", "train", "train", 600),
    Part("mewslix", "test", "test", 120),
)

_WITH_ENGLISH = ("bucc2018", "tatoeba")  # pair each other language with it


def parts_of(task: str, split: str) -> tuple[Part, ...]:
    """The one part of that task and split, or none."""
    return tuple(part for part in PARTS if (part.task, part.split) == (task, split))


def part_languages(part: Part) -> tuple[str, ...]:
    """The languages of a split, sorted by code."""
    if part.task in ("ccg", "ccg_pmb") or (part.pool == "train" and part.task != "mlm"):
        return ("en",)
    codes = available_languages()
    return tuple(code for code in codes if part.task not in _WITH_ENGLISH or code != "en")

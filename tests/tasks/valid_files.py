"""A small valid file of every layout, and which parts of its rows a reader needs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["tsv", "jsonl", "squad", "text", "xml", "csv", "lines"]


@dataclass(frozen=True)
class Layout:
    """The files of one split.

    Attributes:
        files: by name below the data folder, their text; the first is damaged.
        kind: how the first file is built, which says what can be wrong with it.
        keys: JSON keys that every row needs, those of ids among them; columns of a TSV file, with
            "-" for those that are not looked at.
        labels: the column or key of the label.
        ids: the column or key of the id; empty where line numbers are ids.
        free: the last column may be any text, so that a cut in it cannot be seen.
    """

    task: str
    split: str
    language: str
    files: Mapping[str, str]
    kind: Format
    keys: Sequence[str] = field(default=())
    labels: str = ""
    ids: str = ""
    free: bool = False


def _jsonl(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _tsv(rows: Sequence[Sequence[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def _squad(ids: Sequence[str] = ("a", "b", "c"), **more: Any) -> str:
    paragraphs = [
        {
            "context": f"Nummer {name} kam aus Rom. Es war spät.",
            "qas": [
                {
                    "id": name,
                    "question": f"Woher kam {name}?",
                    "answers": [{"text": "Rom", "answer_start": 17}],
                    **more,
                }
            ],
            "sentence_breaks": [[0, 21], [22, 34]],
        }
        for name in ids
    ]
    return json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}, ensure_ascii=False)


_NLI = _jsonl(
    [
        {"gold_label": "neutral", "sentence1": f"Präm {n}", "sentence2": "h", "pairID": f"{n}n"}
        for n in range(4)
    ]
)
_ANLI = _jsonl(
    [{"uid": f"u{n}", "context": f"c {n}", "hypothesis": "hé", "label": "e"} for n in range(4)]
)
_PAIRS = _tsv([[f"Satz é {n}", "Ja", "neutral"] for n in range(4)])
_PAWS = _tsv([["id", "sentence1", "sentence2", "label"], *([f"{n}", "é", "b", "1"] for n in "123")])
_QQP = _tsv(
    [
        ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
        *([f"{n}", "1", "2", "é?", "b?", "0"] for n in "123"),
    ]
)
_SOCIAL = _jsonl(
    [
        {"context": "é", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z"}
        | {"correct": letter}
        for letter in "ABC"
    ]
)
_UNLABELLED = _jsonl(
    [
        {"context": "é", "question": f"q {n}", "answerA": "x", "answerB": "y", "answerC": "z"}
        for n in range(3)
    ]
)
_LIST = "1\n2\n3\n"
_SIQA = "socialiqa/socialiqa-train-dev/train"
_TWO_FILES = {f"{_SIQA}.jsonl": _UNLABELLED, f"{_SIQA}-labels.lst": _LIST}
_TWO_FILES_BACK = dict(reversed(_TWO_FILES.items()))
_COMMON = _jsonl(
    [
        {
            "id": f"i{n}",
            "answerKey": "D",
            "question": {
                "stem": "é?",
                "choices": [{"label": letter, "text": letter.lower()} for letter in "ABCDE"],
            },
        }
        for n in range(3)
    ]
)
_SWAG = _jsonl(
    [
        {"ind": n, "ctx_a": f"Én {n}.", "ctx_b": "b", "label": n, "endings": ["w", "x", "y", "z"]}
        for n in range(4)
    ]
)
_COSMOS_ROWS = [
    {"id": f"i{n}", "context": f"é {n}", "question": "q", "label": "2"}
    | {f"answer{a}": f"a{a}" for a in range(4)}
    for n in range(3)
]
_COSMOS_CSV = "".join(
    ",".join(f'"{cell}"' for cell in row) + "\n"
    for row in ([*_COSMOS_ROWS[0]], *(list(row.values()) for row in _COSMOS_ROWS))
)
_COPA = _jsonl(
    [
        {"premise": "é", "choice1": "a", "choice2": "b", "question": "cause", "idx": n, "label": 1}
        for n in range(3)
    ]
)
_TAGGED = "Rom\tPROPN\nschläft\tVERB\n\nJa\tINTJ\n.\tPUNCT\n\n"
_ENTITIES = "Rom\tB-LOC\nschläft\tO\n\nBonn\tB-LOC\n.\tO\n\n"
_RAW_ENTITIES = "de:Rom\tB-LOC\nde:schläft\tO\n\nde:Bonn\tB-LOC\nde:.\tO\n\n"
_TREEBANK = (
    "# text = Zum Haus\n1-2\tZum\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tZu\t_\tADP\t_\t_\t3\t_\t_\t_\n2\tdem\t_\tDET\t_\t_\t3\t_\t_\t_\n"
    "3\tHäuser\t_\tNOUN\t_\t_\t0\t_\t_\t_\n\n1\tJa\t_\tINTJ\t_\t_\t0\t_\t_\t_\n\n"
)
_AUTO = "".join(
    f"ID=wsj_00{n} PARSER=GOLD NUMPARSE=1\n"
    "(<T S 1 2> (<L NP NNP NNP Zoë NP>) (<L S\\NP VBZ VBZ sleeps S\\NP_3>) )\n"
    for n in "12"
)
_STAGGED = "Zoë|NNP|(N/N) sleeps|VBZ|(S\\NP)\nYes|UH|(N)\n"
_MEANING = "".join(
    f"# newdoc id = p00/d{n}\nZoë\tZoë\tz\tPER\tnp\tO\t[]\nran\tran\trun\tEPS\t(s\\np)\tO\t[A]\n\n"
    for n in "12"
)
_SIDE = "".join(f"Satz é {n}\n" for n in range(4))
_BUCC = _tsv([[f"de-{n}", f"Satz é {n}"] for n in range(4)])
_BUCC_EN = _tsv([[f"en-{n}", f"Sentence {n}"] for n in range(4)])
_GOLD = _tsv([[f"de-{n}", f"en-{n}"] for n in range(4)])
_BIBLE = (
    "<cesDoc><text><body>"
    + "".join(f'<seg id="b.{n}" type="verse">\nVers é {n}\n</seg>\n' for n in range(200))
    + "</body></text></cesDoc>"
)
_SENTENCE = {"language": "de", "text": "Rom ist é.", "sentence_spans": [{"start": 0, "end": 10}]}
_NAMED = {"start": 0, "end": 3, "text": "Rom"}
_MENTIONS = _jsonl(
    [
        {
            "context": _SENTENCE,
            "mentions": [{"example_id": f"m{n}", "entity_id": "Q1", "mention_span": _NAMED}],
        }
        for n in range(3)
    ]
)
_CANDIDATES = _jsonl(
    [{"entity_id": f"Q{n}", "description": "é.", "sentence_spans": []} for n in range(3)]
)
_MENTION_PAIRS = _jsonl(
    [
        {
            "contextual_mention": {
                "context": _SENTENCE,
                "mention": {"example_id": f"m{n}", "entity_id": "Q1", "mention_span": _NAMED},
            },
            "entity": {"entity_id": "Q1", "description": "é.", "sentence_spans": []},
        }
        for n in range(3)
    ]
)
_ROUND = "anli/anli_v1.0/R"
_MLQA = "mlqa/MLQA_V1/test/test-context-de-question-de.json"
_TYDI = "tydiqa/tydiqa-goldp-v1.1-"
_NEWS = "mewslix/wikinews_mentions-test.jsonl"
_ENTITY_FILE = "mewslix/candidate_set_entities.jsonl"
_NLI_KEYS = ("gold_label", "sentence1", "sentence2")
_COSMOS_KEYS = ("id", "context", "question", "answer0", "answer3")
_COPA_KEYS = ("premise", "choice1", "choice2", "question", "idx")
_DEU = "tatoeba/v1/tatoeba.deu-eng."
_BUCC_STEM = "bucc2018/de-en.dev"
_NO_ANSWER = {"is_impossible": False}

LAYOUTS_AT_TEST = (
    Layout("mnli", "train", "en", {"mnli/multinli_1.0_train.jsonl": _NLI}, "jsonl",
           _NLI_KEYS, "gold_label", "pairID"),
    Layout("snli", "train", "en", {"snli/snli_1.0_train.jsonl": _NLI}, "jsonl",
           _NLI_KEYS, "gold_label", "pairID"),
    Layout("anli", "test", "en", {f"{_ROUND}{n}/test.jsonl": _ANLI for n in "123"}, "jsonl",
           ("uid", "context", "hypothesis"), "label", "uid"),
    Layout("xnli", "test", "de", {"xnli/labels/test-de.tsv": _PAIRS}, "tsv",
           ("text", "text", "label"), "2"),
    Layout("pawsx", "dev", "de", {"pawsx/x-final/de/dev_2k.tsv": _PAWS}, "tsv",
           ("id", "text", "text", "label"), "3", "0"),
    Layout("pawsx", "dev", "de", {"download/pawsx/dev-de.tsv": _PAIRS.replace("neutral", "1")},
           "tsv", ("text", "text", "label"), "2"),
    Layout("qqp", "train", "en", {"qqp/train.tsv": _QQP}, "tsv",
           ("-", "-", "-", "text", "text", "label"), "5"),
    Layout("socialiqa", "test", "en", {"socialiqa/socialIQa_v1.4_tst.jsonl": _SOCIAL}, "jsonl",
           ("context", "question", "answerA", "answerC"), "correct"),
    Layout("socialiqa", "train", "en", _TWO_FILES,
           "jsonl", ("context", "question", "answerA", "answerC")),
    Layout("socialiqa", "train", "en", _TWO_FILES_BACK,
           "text"),
    Layout("commonsenseqa", "dev", "en", {"commonsenseqa/dev_rand_split.jsonl": _COMMON}, "jsonl",
           ("id", "question"), "answerKey", "id"),
    Layout("hellaswag", "train", "en", {"hellaswag/hellaswag_train.jsonl": _SWAG}, "jsonl",
           ("ind", "endings"), "label", "ind"),
    Layout("cosmosqa", "train", "en", {"cosmosqa/train.csv": _COSMOS_CSV}, "csv"),
    Layout("cosmosqa", "test", "en", {"cosmosqa/test.jsonl": _jsonl(_COSMOS_ROWS)}, "jsonl",
           _COSMOS_KEYS, "label", "id"),
    Layout("copa", "train", "en", {"copa/train.jsonl": _COPA}, "jsonl", _COPA_KEYS, "label", "idx"),
    Layout("xcopa", "test", "et", {"download/xcopa/test.et.jsonl": _COPA}, "jsonl",
           _COPA_KEYS, "label", "idx"),
    Layout("squad_v1", "train", "en", {"squad/train-v1.1.json": _squad()}, "squad"),
    Layout("squad_v2", "train", "en", {"squad/train-v2.0.json": _squad(**_NO_ANSWER)}, "squad"),
    Layout("xquad", "test", "de", {"xquad/xquad.de.json": _squad()}, "squad"),
    Layout("mlqa", "test", "de", {_MLQA: _squad()}, "squad"),
    Layout("tydiqa", "dev", "fi", {f"{_TYDI}dev/tydiqa.goldp.fi.dev.json": _squad()}, "squad"),
    Layout("lareqa", "train", "en", {"squad/train-v1.1.json": _squad()}, "squad"),
    Layout("lareqa", "test", "de",
           {f"lareqa/xquad-r/{code}.json": _squad() for code in ("de", "en")}, "squad"),
    Layout("udpos", "test", "de", {"udpos/xtreme/test-de.tsv": _TAGGED}, "tsv",
           ("word", "label"), "1"),
    Layout("panx", "dev", "de", {"panx/dev-de.tsv": _ENTITIES}, "tsv", ("word", "label"), "1"),
    Layout("panx", "test", "de", {"panx/raw/de/test": _RAW_ENTITIES}, "tsv",
           ("word", "label"), "1"),
    Layout("udpos", "test", "de", {"udpos/r2.5/UD_German-GSD/de_gsd-ud-test.conllu": _TREEBANK},
           "tsv", ("number", "-", "-", "-", "-", "-", "-", "-", "-", "-")),
    Layout("ccg", "dev", "en", {"ccg/ccgbank_1_1/data/AUTO/00/wsj_0001.auto": _AUTO}, "lines"),
    Layout("ccg", "test", "en", {"ccg/wsj23.stagged": _STAGGED}, "lines"),
    Layout("ccg_pmb", "dev", "de", {"ccg/pmb-4.0.0/de/gold/dev.conll": _MEANING}, "tsv",
           ("word", "-", "-", "-", "category", "-", "-")),
    Layout("tatoeba", "test", "de", {f"{_DEU}deu": _SIDE, f"{_DEU}eng": _SIDE}, "text", free=True),
    Layout("bucc2018", "dev", "de",
           {f"{_BUCC_STEM}.de": _BUCC, f"{_BUCC_STEM}.en": _BUCC_EN, f"{_BUCC_STEM}.gold": _GOLD},
           "tsv", ("id", "text"), ids="0", free=True),
    Layout("bucc2018", "dev", "de",
           {f"{_BUCC_STEM}.gold": _GOLD, f"{_BUCC_STEM}.en": _BUCC_EN, f"{_BUCC_STEM}.de": _BUCC},
           "tsv", ("id", "id")),
    Layout("mewslix", "test", "de", {_NEWS: _MENTIONS, _ENTITY_FILE: _CANDIDATES}, "jsonl",
           ("context", "mentions")),
    Layout("mewslix", "test", "de", {_ENTITY_FILE: _CANDIDATES, _NEWS: _MENTIONS}, "jsonl",
           ("entity_id", "description"), ids="entity_id"),
    Layout("mewslix", "train", "en", {"mewslix/wikipedia_pairs-train.jsonl": _MENTION_PAIRS},
           "jsonl", ("contextual_mention", "entity")),
    Layout("mlm", "train", "eu", {"mlm/bible/Basque-NT.xml": _BIBLE}, "xml"),
    Layout("mlm", "train", "eu",
           {"mlm/common_voice/eu.txt": "".join(f"Satz é {n}\n" for n in range(200))}, "lines",
           free=True),
)  # fmt: skip

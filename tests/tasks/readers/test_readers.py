"""Every reader on small files: what it reads, and each defect by file, line and remedy."""

import gzip
import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import Answer, PairExample, SpanExample
from dstilts.tasks.readers.columns import read_columns
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.pairs import (
    read_anli,
    read_nli_jsonl,
    read_pair_tsv,
    read_pawsx_tsv,
    read_qqp_tsv,
)
from dstilts.tasks.readers.parallel import parallel, read_sentences, shuffled
from dstilts.tasks.readers.rows import Read
from dstilts.tasks.readers.spans import english_only, read_squad, read_squad_numbered
from dstilts.tasks.readers.tagging import read_panx, read_panx_raw, read_tagging_tsv

NLI, PAWSX, QQP, QA, POS = map(task, ("xnli", "pawsx", "qqp", "squad_v1", "udpos"))


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def squad(*questions: dict[str, object], context: str | None = "Ünä kam aus Rom .") -> str:
    paragraph = {"context": context, "qas": list(questions)}
    return json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]})


def question(name: str = "q", text: str = "Rom", start: int | None = 12) -> dict[str, object]:
    return {"id": name, "question": "?", "answers": [{"text": text, "answer_start": start}]}


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz"])
def test_nli_tsv_plain_and_packed(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, "A man .\tA boy .\tneutral\r\nB\tC\tentailment\n")
    assert read_pair_tsv(path, NLI) == [
        PairExample("1", "A man .", "A boy .", "neutral"),
        PairExample("2", "B", "C", "entailment"),
    ]


def test_published_without_labels(tmp_path: Path) -> None:
    assert read_pair_tsv(write(tmp_path, "a.tsv", "A\tB\n"), NLI)[0].label is None


def test_nli_jsonl_leaves_out_pairs_without_gold_label(tmp_path: Path) -> None:
    rows = [
        {"gold_label": "-", "sentence1": "a", "sentence2": "b"},
        {"gold_label": "neutral", "sentence1": "a", "sentence2": "c", "pairID": "7c"},
    ]
    path = write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert read_nli_jsonl(path, NLI) == [PairExample("7c", "a", "c", "neutral")]


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "label\tsentence2\tid\tsentence1\n1\tb\t9\ta\n")
    assert read_pawsx_tsv(path, PAWSX) == [PairExample("9", "a", "b", "1")]


def test_lines_break_at_line_feeds_only(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "\ufeffone\u2028still one\u0085\nzwei\n")
    assert list(read_lines(path)) == [(1, "one\u2028still one\u0085"), (2, "zwei")]


def test_qqp_leaves_out_questions_broken_over_two_lines(tmp_path: Path) -> None:
    rows = ["question1\tquestion2\tis_duplicate", *(f"q {n}\tr {n}\t0" for n in range(3000))]
    rows[9:9] = ["How do", "I?\tWhy?\t"[:-1]]
    examples = read_qqp_tsv(write(tmp_path, "a.tsv", "\n".join(rows)), QQP)
    assert len(examples) == 3000
    assert examples[7].id == "9"
    assert examples[8].id == "12"
    with pytest.raises(UserError, match=r"b\.tsv:10: 1 columns where 3 are expected"):
        read_qqp_tsv(write(tmp_path, "b.tsv", "\n".join(rows[:1000])), QQP)


def test_squad_offsets_are_characters(tmp_path: Path) -> None:
    (example,) = read_squad(write(tmp_path, "a.json", squad(question())), QA)
    assert example.answers == (Answer("Rom", 12),)
    twice = write(tmp_path, "b.json", squad(question(), question()))
    assert [e.id for e in read_squad_numbered(twice, QA)] == ["q#1", "q#2"]


def test_tagging_tsv(tmp_path: Path) -> None:
    path = write(tmp_path, "test-de.tsv", "Rom\tPROPN\n.\tPUNCT\n\n\n\nJa\tINTJ\n")
    first, second = read_tagging_tsv(path, POS)
    assert (first.id, first.words, first.tags) == ("test-de-1", ("Rom", "."), ("PROPN", "PUNCT"))
    assert (second.id, second.words) == ("test-de-2", ("Ja",))


def test_parallel_lines_match_each_other(tmp_path: Path) -> None:
    def read(*names: str) -> list[list[Read]]:
        paths = [tmp_path / name for name in names]
        return [[Read(path, read_sentences(path, task("tatoeba")))] for path in paths]

    write(tmp_path, "a", "Ja\nNein\n")
    write(tmp_path, "b", "Yes\nNo\n")
    write(tmp_path, "c", "Yes\n")
    sentences = parallel(read("a", "b"), "de")
    assert [s.id for s in sentences] == ["source-1", "source-2", "target-1", "target-2"]
    assert sentences[1].matches == ("target-2",)
    assert sentences[2].matches == ("source-1",)
    assert {s.matches for s in shuffled(read("a", "b"), "de")} == {()}
    with pytest.raises(UserError, match="2 lines for the 1 lines of c"):
        parallel(read("a", "c"), "de")


def test_test_files_as_xtreme_leaves_them(tmp_path: Path) -> None:
    """Answers, tags and labels removed; quotes around fields that hold quotes."""
    gone = {"id": "q", "question": "?", "answers": [{"answer_start": 0, "text": ""}]}
    (example,) = read_squad(write(tmp_path, "a.json", squad(gone)), QA)
    assert (example.answers, example.answerable) == ((), True)
    with pytest.raises(UserError, match="example 'q' has no label, others have one"):
        read_squad(write(tmp_path, "b.json", squad(gone, question("r"))), QA)
    (words,) = read_tagging_tsv(write(tmp_path, "a.tsv", "Rom\n.\n"), POS)
    assert (words.words, words.tags) == (("Rom", "."), ())
    (pair,) = read_pair_tsv(write(tmp_path, "b.tsv", 'A ""\t"say ""so"""\r\n'), NLI)
    assert (pair.text_a, pair.text_b) == ('A ""', '"say ""so"""')
    (pair,) = read_pair_tsv(write(tmp_path, "c.tsv", 'A\t"say ""so"""\r\n'), NLI)
    assert (pair.text_a, pair.text_b) == ("A", 'say "so"')


def test_squad_v2_has_questions_without_answers(tmp_path: Path) -> None:
    spec = task("squad_v2")
    none = {"id": "n", "question": "?", "answers": [], "is_impossible": True}
    both = squad(none, {**question(), "is_impossible": False})
    first, second = read_squad(write(tmp_path, "a.json", both), spec)
    assert (first.answerable, first.answers, first.domain) == (False, (), "t")
    assert second.answerable
    with pytest.raises(UserError, match="question 'q' is impossible and has an answer"):
        read_squad(write(tmp_path, "b.json", squad({**question(), "is_impossible": True})), spec)
    with pytest.raises(UserError, match="'is_impossible' is no truth value"):
        read_squad(write(tmp_path, "c.json", squad({**none, "is_impossible": "yes"})), spec)


def test_english_only_of_tydiqa() -> None:
    def example(name: str) -> SpanExample:
        return SpanExample(name, "c", "q", (Answer("c", 0),))

    mixed = [example("english--1-0#1"), example("finnish--1-0#2")]
    assert english_only(mixed) == mixed[:1]
    numbered = [example("12#1"), example("7#2")]
    assert english_only(numbered) == numbered


def test_panx_raw_has_the_language_before_each_word(tmp_path: Path) -> None:
    panx = task("panx")
    (example,) = read_panx_raw(write(tmp_path, "test", "en:Rom\tB-LOC\nen::\tO\n"), panx)
    assert (example.words, example.tags) == (("Rom", ":"), ("B-LOC", "O"))
    with pytest.raises(UserError, match="dev:2: no language code before the word 'is'"):
        read_panx_raw(write(tmp_path, "dev", "en:Rom\tB-LOC\nis\tO\n"), panx)
    (plain,) = read_panx(write(tmp_path, "dev-en.tsv", "Rom\tB-LOC\nen:\tO\n"), panx)
    assert plain.words == ("Rom", "en:")
    (plain,) = read_panx(write(tmp_path, "dev-de.tsv", "de:Rom\tB-LOC\nde:.\tO\n"), panx)
    assert plain.words == ("Rom", ".")


def test_anli_says_its_round(tmp_path: Path) -> None:
    (tmp_path / "R2").mkdir()
    row = {"uid": "u", "context": "c", "hypothesis": "h", "label": "e"}
    (example,) = read_anli(write(tmp_path, "R2/dev.jsonl", json.dumps(row)), task("anli"))
    assert example == PairExample("u", "c", "h", "entailment", "R2")


DEFECTS = [
    (
        read_pair_tsv,
        NLI,
        "a\tb\tneutral\na\tb\tmaybe\n",
        r"bad:2: unknown label 'maybe'; known: con",
    ),
    (read_pair_tsv, NLI, "a\n", r"bad:1: 1 columns where 3 are expected"),
    (read_nli_jsonl, NLI, '{"gold_label": "neutral", "sen', r"bad:1: broken JSON"),
    (read_nli_jsonl, NLI, '{"gold_label": "neutral"}', r"bad:1: key 'sentence1' is missing"),
    (
        read_nli_jsonl,
        NLI,
        '{"gold_label": "neutral", "sentence1": null, "sentence2": "b"}',
        r"bad:1: 'sentence1' is None, not a text",
    ),
    (
        read_nli_jsonl,
        NLI,
        2 * '{"gold_label": "neutral", "sentence1": "a", "sentence2": "b", "pairID": 7}\n',
        r"bad: duplicate id '7'",
    ),
    (
        read_nli_jsonl,
        NLI,
        '{"gold_label": "yes", "sentence1": "a", "sentence2": "b"}',
        r"bad:1: unknown label 'yes'",
    ),
    (read_nli_jsonl, NLI, "[]", r"bad:1: not a JSON object"),
    (
        read_pawsx_tsv,
        PAWSX,
        "id\tsentence1\tlabel\n",
        r"bad:1: column 'sentence2' is missing; the he",
    ),
    (
        read_pawsx_tsv,
        PAWSX,
        "id\tsentence1\tsentence2\tlabel\n1\ta\tb\t1\n1\ta\tc\t0\n",
        r"bad: duplicate id '1'",
    ),
    (
        read_pawsx_tsv,
        PAWSX,
        "id\tsentence1\tsentence2\tlabel\n1\ta\tb\t2\n",
        r"bad:2: unknown label '2'; known: 0, 1",
    ),
    (read_pawsx_tsv, PAWSX, "id\tsentence1\tsentence2\tlabel\n1\ta\n", r"bad:2: 2 columns where 4"),
    (read_qqp_tsv, QQP, "question1\tquestion2\tis_duplicate\na\tb\n", r"bad:2: 2 columns where 3"),
    (read_squad, QA, squad(question(start=11)), r"bad: question 'q': the answer 'Rom' does not st"),
    (read_squad, QA, squad(question(start=-5)), r"'Rom' does not stand at character -5"),
    (read_squad, QA, squad(question(start=99)), r"'Rom' does not stand at character 99"),
    (read_squad, QA, squad(question(start=None)), r"'Rom' does not stand at character None"),
    (read_squad, QA, squad(question(text="")), r"bad: question 'q': the answer '' does not stand"),
    (read_squad, QA, squad(question(), question()), r"bad: duplicate id 'q'"),
    (read_squad, QA, squad({**question(), "answers": []}), r"question 'q' has no answer"),
    (read_squad, QA, squad(question())[:50], r"bad:1: broken JSON.*; copy it again"),
    (read_squad, QA, squad(question(), context=None), r"bad: 'context' is None, not a text"),
    (read_squad, QA, squad({**question(), "answers": None}), r"bad: 'answers' is None, not a list"),
    (read_squad, QA, '{"data": {"a": 1}}', r"bad: 'data' is {'a': 1}, not a list"),
    (read_squad, QA, '{"version": 1}', r"bad: key 'data' is missing"),
    (read_tagging_tsv, POS, "Rom\tPROPN\nRom\n", r"bad:2: 1 columns where 2"),
    (read_tagging_tsv, POS, "Rom\tNAME\n", r"bad:1: unknown label 'NAME'"),
    (read_tagging_tsv, POS, "\tPROPN\n", r"bad:1: an empty word"),
]


@pytest.mark.parametrize(("reader", "spec", "text", "message"), DEFECTS)
def test_defects_are_named(tmp_path: Path, reader, spec, text: str, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=message):
        reader(write(tmp_path, "bad", text), spec)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = gzip.compress(("a line of text\n" * 5000).encode())
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cut\.gz: broken gzip file.*; copy it again"):
        list(read_lines(tmp_path / "cut.gz"))
    (tmp_path / "none.gz").write_bytes(b"no gzip at all")
    with pytest.raises(UserError, match=r"none\.gz: broken gzip file"):
        list(read_lines(tmp_path / "none.gz"))
    packed = gzip.compress(squad(question()).encode())
    (tmp_path / "cut.json.gz").write_bytes(packed[:-20])
    with pytest.raises(UserError, match=r"cut\.json\.gz: broken gzip file.*; copy it again"):
        read_squad(tmp_path / "cut.json.gz", QA)
    (tmp_path / "latin.json").write_bytes(squad(question()).encode() + b"\xff")
    with pytest.raises(UserError, match=r"latin\.json: not UTF-8 at byte \d+"):
        read_squad(tmp_path / "latin.json", QA)
    with pytest.raises(UserError, match="is a folder, not a file"):
        list(read_lines(tmp_path))
    (tmp_path / "latin").write_bytes(b"fine\nna\xefve\n")
    with pytest.raises(UserError, match=r"latin:2: not UTF-8 \(byte 2 of the line\)"):
        list(read_lines(tmp_path / "latin"))
    with pytest.raises(UserError, match=r"nul:1: a NUL character"):
        list(read_lines(write(tmp_path, "nul", "a\0b\n")))
    with pytest.raises(UserError, match=r"long:1: a line of 1000001 characters"):
        list(read_lines(write(tmp_path, "long", "x" * 1_000_001)))
    with pytest.raises(UserError, match="no such file"):
        list(read_columns(tmp_path / "absent", ("a",)))

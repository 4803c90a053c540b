"""`dstilts mine`: its files, its scores against the official walk, resuming, and mistakes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dstilts.cli.main import main
from tests.evaluation.tiny_farm import publish_tiny, words
from tests.retrieval import official_walk
from tests.retrieval.test_bucc import corpus
from tests.tiny import tiny_encoder

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def write(file: str, *lines: str) -> str:
    Path(file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def save(file: str, vectors: Any) -> str:
    np.save(file, vectors)
    return file


def rows(file: str = "pairs.tsv") -> list[list[str]]:
    return [line.split("\t") for line in Path(file).read_text(encoding="utf-8").splitlines()]


def given(seed: int, *, texts: bool) -> tuple[Any, Any, set[tuple[str, str]], list[str]]:
    """Files of two sides with vectors and gold pairs, and the words that name them."""
    source, target, gold = corpus(seed)
    arguments = []
    for name, (ids, sentences, vectors) in (("source", source), ("target", target)):
        lines = [f"{i}\t{text}" for i, text in zip(ids, sentences, strict=True)] if texts else ids
        arguments += [f"--{name}-ids", write(f"{name}.ids", *lines)]
        arguments += [f"--{name}-embeddings", save(f"{name}.npy", vectors.astype(np.float32))]
    arguments += ["--gold", write("gold.tsv", *("\t".join(pair) for pair in sorted(gold)))]
    return source, target, gold, arguments


@pytest.mark.parametrize("strategy", ["max", "intersect", "forward", "backward"])
@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
def test_same_as_the_official_walk(strategy: str, margin: str, capsys: Capture) -> None:
    for seed in range(4):
        source, target, gold, arguments = given(seed, texts=True)
        options = ["--strategy", strategy, "--margin", margin, "--json", "out.json", "--k", "3"]
        assert main(["mine", *arguments, *options]) == 0
        found = official_walk.candidates(source, target, 3, margin, strategy)
        try:
            threshold = official_walk.optimize(found, gold)
        except IndexError:
            threshold = min(found.values())
        precision, recall, f1 = official_walk.scores(found, gold, threshold)
        taken = {pair: score for pair, score in found.items() if score >= threshold}
        table = json.loads(Path("out.json").read_text())
        assert list(table) == ["pairs", "threshold", "precision", "recall", "f1"]
        assert table == pytest.approx(
            {
                "pairs": len(taken),
                "threshold": threshold,
                "precision": precision,
                "recall": recall,
                "f1": f1,
            }
        )
        written = rows()
        assert {(i, j): float(score) for score, i, j, *_ in written} == taken
        assert [float(row[0]) for row in written] == sorted(taken.values(), reverse=True)
        texts = {f"{name}": text for ids, all_texts, _ in (source, target)
                 for name, text in zip(ids, all_texts, strict=True)}  # fmt: skip
        assert all([texts[i], texts[j]] == pair for _, i, j, *pair in written)
        assert not Path("pairs.tsv.work").exists()
        out = capsys.readouterr().out
        assert f"f1 {f1:.2f}" in out
        assert f"best threshold {table['threshold']}" in out


def test_without_texts_no_pair_is_dropped_and_lines_are_three_fields() -> None:
    source, target, _, arguments = given(1, texts=False)
    assert len(set(source[1])) < len(source[1])
    assert main(["mine", *arguments[:-2], "--strategy", "forward", "--out", "deep/er/a.tsv"]) == 0
    pairs = rows("deep/er/a.tsv")
    assert sorted(i for _, i, _ in pairs) == sorted(source[0])
    expected = official_walk.mine(source[2], target[2], 4, strategy="forward")
    assert {(float(s), i, j) for s, i, j in pairs} == {
        (score, source[0][i], target[0][j]) for score, i, j in expected
    }


def test_threshold(capsys: Capture) -> None:
    *_, arguments = given(2, texts=True)
    assert main(["mine", *arguments[:-2], "--json", "out.json"]) == 0
    everything = rows()
    table = json.loads(Path("out.json").read_text())
    nothing = dict.fromkeys(("threshold", "precision", "recall", "f1"))
    assert table == {"pairs": len(everything), **nothing}
    middle = everything[len(everything) // 2][0]
    assert main(["mine", *arguments, "--threshold", middle, "--json", "out.json"]) == 0
    kept = [row for row in everything if float(row[0]) >= float(middle)]
    assert rows() == kept
    assert 0 < len(kept) < len(everything)
    table = json.loads(Path("out.json").read_text())
    assert (table["pairs"], table["threshold"]) == (len(kept), float(middle))
    gold = {tuple(line.split("\t")) for line in Path("gold.tsv").read_text().splitlines()}
    hits = sum((row[1], row[2]) in gold for row in kept)
    assert table["precision"] == pytest.approx(100 * hits / len(kept))
    assert "best threshold" in capsys.readouterr().out


def test_rows_are_numbered_from_0_and_lines_from_1(tmp_path: Path) -> None:
    vectors = np.eye(3, 4, dtype=np.float16) + np.float16(0.1)
    save("a.npy", vectors)
    save("b.npy", vectors[::-1])
    assert main(["mine", "--source-embeddings", "a.npy", "--target-embeddings", "b.npy"]) == 0
    assert sorted(row[1:] for row in rows()) == [["0", "2"], ["1", "1"], ["2", "0"]]
    encoder = str(tiny_encoder(tmp_path / "encoder"))
    write("a.txt", words("en", 0, 5), " ", words("en", 7, 5))
    write("b.txt", words("en", 7, 5), words("en", 0, 5))
    assert main(["mine", "a.txt", "b.txt", "--encoder", encoder]) == 0
    assert sorted(row[1:] for row in rows()) == [
        ["1", "2", words("en", 0, 5), words("en", 0, 5)],
        ["3", "1", words("en", 7, 5), words("en", 7, 5)],
    ]
    # The same from id files with texts, and with ids beside the lines.
    for side in "ab":
        lines = Path(f"{side}.txt").read_text().splitlines()
        write(f"{side}.tsv", *(f"{side}{n}\t{line}" for n, line in enumerate(lines)))
        write(f"{side}.ids", *(f"{side}{n}" for n in range(len(lines))))
    ids = ["--source-ids", "a.tsv", "--target-ids", "b.tsv"]
    assert main(["mine", *ids, "--encoder", encoder, "--out", "1.tsv"]) == 0
    ids = ["--source-ids", "a.ids", "--target-ids", "b.ids"]
    assert main(["mine", "a.txt", "b.txt", *ids, "--encoder", encoder, "--out", "2.tsv"]) == 0
    assert rows("1.tsv") == rows("2.tsv")
    assert sorted(row[1:3] for row in rows("1.tsv")) == [["a0", "b1"], ["a2", "b0"]]


def sentences(size: int) -> list[str]:
    texts = (words(code, i, 3 + i % 5) for i in range(size) for code in ("en", "de", "ru"))
    return list(dict.fromkeys(texts))[:size]


def test_layers_and_published_models(tmp_path: Path, capsys: Capture) -> None:
    model = str(publish_tiny(tmp_path / "model"))
    texts = sentences(24)
    write("a.txt", *texts)
    # One word of each sentence among others: no layer finds all.
    write("b.txt", *(f"{words('de', n, 6)} {text.split()[0]}" for n, text in enumerate(texts)))
    write("gold.tsv", *(f"{n}\t{n}" for n in range(1, 25)))
    arguments = ["mine", "a.txt", "b.txt", "--encoder", model, "--gold", "gold.tsv"]
    f1 = {}
    for layer in ("0", "1", "2", "-1"):
        assert main([*arguments, "--layer", layer, "--json", "out.json"]) == 0
        f1[layer] = json.loads(Path("out.json").read_text())["f1"]
    alone = rows()
    assert f1["2"] == f1["-1"]
    assert len(set(f1.values())) > 1, "layers that are all alike prove nothing"
    capsys.readouterr()
    assert main([*arguments, "--layers", "all", "--json", "out.json"]) == 0
    out = capsys.readouterr().out
    assert [f"layer {n:2d}  F1 {f1[str(n)]:.2f}" in out for n in range(3)] == [True] * 3
    best = max(f1.values())
    assert json.loads(Path("out.json").read_text())["f1"] == best
    taken = max(n for n in range(3) if f1[str(n)] == best)
    (line,) = [line for line in out.splitlines() if "(taken)" in line]
    assert line.startswith(f"layer {taken:2d}")
    assert (rows() == alone) == (taken == 2)


def test_empty_sides_give_an_empty_file(tmp_path: Path, capsys: Capture) -> None:
    encoder = str(tiny_encoder(tmp_path / "encoder"))
    write("none.txt")
    write("some.txt", "one sentence")
    assert main(["mine", "none.txt", "some.txt", "--encoder", encoder, "--json", "o.json"]) == 0
    assert rows() == []
    assert json.loads(Path("o.json").read_text())["pairs"] == 0
    assert "none.txt: the source has no sentences" in capsys.readouterr().err
    for one, other in (((0, 3), (2, 3)), ((2, 3), (0, 0)), ((0, 3), (0, 3))):
        save("a.npy", np.ones(one, np.float32))
        save("b.npy", np.ones(other, np.float32))
        assert main(["mine", "--source-embeddings", "a.npy", "--target-embeddings", "b.npy"]) == 0
        assert rows() == []


def test_goes_on_after_a_kill(tmp_path: Path) -> None:
    encoder = str(tiny_encoder(tmp_path / "encoder"))
    texts = sentences(60)
    write("a.txt", *texts)
    write("b.txt", *(f"{text} in" for text in texts))
    command = ["mine", "a.txt", "b.txt", "--encoder", encoder]
    assert main([*command, "--out", "whole.tsv"]) == 0
    # Small shards, told about, with a pause after each, so that the kill meets the middle.
    slow = (
        "import sys, time; from dstilts.retrieval import embed;"
        "embed.SHARD_SENTENCES = 8; write = embed.write_json;"
        "embed.write_json = lambda file, state: (write(file, state), time.sleep(PAUSE),"
        "print('wrote', file.name, state['done'], file=sys.stderr));"
        "from dstilts.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    started = subprocess.Popen([sys.executable, "-c", slow.replace("PAUSE", "0.5"), *command])
    state = Path("pairs.tsv.work/target.json")
    deadline = time.monotonic() + 120
    while not state.exists():
        assert started.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.8)
    started.send_signal(signal.SIGKILL)
    started.wait()
    assert not Path("pairs.tsv").exists()
    done = json.loads(state.read_text())["done"]
    assert 0 < done < 60
    finished = subprocess.run(
        [sys.executable, "-c", slow.replace("PAUSE", "0"), *command],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "what an unfinished job has left in pairs.tsv.work is used" in finished.stderr
    wrote = [line for line in finished.stderr.splitlines() if line.startswith("wrote")]
    numbers = [*range(done + 8, 60, 8), 60]
    assert wrote == [f"wrote target.json {number}" for number in numbers]
    assert not Path("pairs.tsv.work").exists()
    assert [row[1:] for row in rows()] == [row[1:] for row in rows("whole.tsv")]
    scores = [[float(row[0]) for row in rows(file)] for file in ("pairs.tsv", "whole.tsv")]
    assert scores[0] == pytest.approx(scores[1])


def test_two_jobs_do_not_share_a_folder(capsys: Capture) -> None:
    import fcntl

    save("a.npy", np.ones((1, 2), np.float32))
    Path("pairs.tsv.work").mkdir()
    with Path("pairs.tsv.work/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["mine", "--source-embeddings", "a.npy", "--target-embeddings", "a.npy"]) == 2
    assert "pairs.tsv.work: another job is mining here" in capsys.readouterr().err


def bad_vectors(value: float) -> Any:
    vectors = np.ones((5, 3), np.float32)
    vectors[3] = value
    return vectors


A, B = ["--source-embeddings", "a.npy"], ["--target-embeddings", "b.npy"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "nothing to mine"),
        (["a.txt"], "SOURCE and TARGET of one side alone"),
        (A, "embeddings of one side alone"),
        (["a.txt", "b.txt", *A, *B], "exclude each other"),
        ([*A, *B, "--encoder", "default"], "--encoder, --layer and --pooling are of no use"),
        (["none.txt", "b.txt"], "none.txt: no such file"),
        ([*A, "--target-embeddings", "none.npy"], "none.npy: no such file"),
        ([*A, "--target-embeddings", "a.txt"], "a.txt: cannot be mapped"),
        ([*A, "--target-embeddings", "empty.npy"], "empty.npy: cannot be mapped"),
        ([*A, "--target-embeddings", "cut.npy"], "cut.npy: cannot be mapped"),
        ([*A, "--target-embeddings", "pickle.npy"], "pickle.npy: cannot be mapped"),
        ([*A, "--target-embeddings", "int.npy"], "int.npy: vectors of type int64; save it as"),
        ([*A, "--target-embeddings", "flat.npy"], "flat.npy: an array of shape (6,)"),
        ([*A, "--target-embeddings", "wide.npy"], "vectors of 4 dimensions, the source's have 3"),
        ([*A, "--target-embeddings", "nan.npy"], "nan.npy: row 3 has a number that is not finite"),
        ([*A, "--target-embeddings", "zero.npy"], "zero.npy: row 3 is zero and has no direction"),
        ([*A, *B, "--source-ids", "two.ids"], "two.ids: 2 ids for the 5 vectors of a.npy"),
        ([*A, *B, "--source-ids", "twice.ids"], "twice.ids:3: the id 'x' stands on line 1 already"),
        ([*A, *B, "--source-ids", "mixed.ids"], "mixed.ids:2: a line without a text"),
        ([*A, *B, "--source-ids", "blank.ids"], "blank.ids:2: a line without an id"),
        ([*A, *B, "--gold", "none.gold"], "none.gold: no such file"),
        ([*A, *B, "--gold", "empty.gold"], "empty.gold: the file is empty"),
        ([*A, *B, "--gold", "far.gold"], "far.gold:2: no target sentence has the id '9'"),
        ([*A, *B, "--gold", "a.txt"], "a.txt:1: "),
        (["--source-ids", "two.ids", "--target-ids", "two.ids"], "two.ids:1: ids without texts"),
        (["a.txt", "b.txt", "--encoder", "nowhere/"], "no encoder 'nowhere/'"),
        (
            ["a.txt", "b.txt", "--encoder", "encoder", "--layer", "9"],
            "no layer 9; the encoder has",
        ),
        (["a.txt", "b.txt", "--layer", "last"], "'last' is no number of a layer"),
        (["a.txt", "b.txt", "--layer", "all"], "--layer all needs --gold"),
        (["a.txt", "b.txt", "--pooling", "max"], "invalid choice: 'max'"),
        ([*A, *B, "--margin", "ration"], "did you mean 'ratio'?"),
        ([*A, *B, "--strategy", "maximum"], "did you mean 'max'?"),
        ([*A, *B, "--k", "0"], "'0' is no number above 0"),
        ([*A, *B, "--out", "encoder"], "encoder: is a folder, not a file"),
        ([*A, *B, "--json", "a.npy/x"], "a.npy/x: cannot be written"),
    ],
)
def test_mistakes_are_one_line_and_change_nothing(
    arguments: list[str], problem: str, tmp_path: Path, capsys: Capture
) -> None:
    if "encoder" in arguments:
        tiny_encoder(tmp_path / "encoder")
    write("a.txt", "one sentence")
    write("b.txt", "ein Satz")
    write("two.ids", "x", "y")
    write("twice.ids", "x", "y", "x", "z", "v")
    write("mixed.ids", "x\tone", "y")
    write("blank.ids", "x", " ", "y")
    write("empty.gold")
    write("far.gold", "0\t0", "1\t9")
    for name in "ab":
        save(f"{name}.npy", np.ones((5, 3), np.float32))
    save("int.npy", np.ones((5, 3), np.int64))
    save("flat.npy", np.ones(6, np.float32))
    save("wide.npy", np.ones((5, 4), np.float32))
    save("nan.npy", bad_vectors(np.nan))
    save("zero.npy", bad_vectors(0.0))
    np.save("pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    Path("empty.npy").touch()
    Path("cut.npy").write_bytes(Path("a.npy").read_bytes()[:-8])
    before = sorted(tmp_path.rglob("*"))
    capsys.readouterr()
    assert main(["mine", *arguments]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert problem in line
    assert sorted(tmp_path.rglob("*")) == before

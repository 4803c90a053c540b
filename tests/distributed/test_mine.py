"""`dstilts mine` on real ranks: the bytes of one process, one line for a mistake, and kills."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from dstilts.cli.main import main
from dstilts.retrieval import embed, job
from tests.distributed.launch import REPOSITORY, free_port
from tests.evaluation.tiny_farm import words as some_words
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed

PROGRAMS = Path(sys.executable).parent
SECONDS = 240
# Shards and blocks that are small, so that there are many; each rank leaves its process number.
PROGRAM = """
import json, os, sys, time
from pathlib import Path
from dstilts.cli.main import main
from dstilts.core.errors import UserError
from dstilts.core.process_group import launched_ranks
from dstilts.retrieval import crew, embed, job
embed.SHARD_SENTENCES, job.BLOCK_BYTES = 8, 640
rank = launched_ranks().rank
Path(f"{rank}.pid").write_text(str(os.getpid()))
words, pause, broken_rank = json.loads(sys.argv[1])
write = embed.write_json
embed.write_json = lambda *what: (write(*what), time.sleep(pause))
if rank == broken_rank:
    def encoder(*arguments):
        raise UserError("no such encoder here")
    crew.SentenceEncoder = encoder
sys.exit(main(["mine", *words]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sentences with gold pairs, vectors of two sides, and an encoder."""
    tiny_encoder(tmp_path / "encoder")
    texts = [some_words(code, n, 3 + n % 5) for n in range(20) for code in ("en", "de", "ru")]
    texts += texts[:3]  # some repeat
    (tmp_path / "a.tsv").write_text("".join(f"a{n}\t{text}\n" for n, text in enumerate(texts)))
    shortened = [text.rpartition(" ")[0] for text in texts[5:]]
    (tmp_path / "b.tsv").write_text("".join(f"b{n}\t{text}\n" for n, text in enumerate(shortened)))
    (tmp_path / "gold.tsv").write_text("".join(f"a{n + 5}\tb{n}\n" for n in range(30)))
    draws = np.random.default_rng(5)
    x, y = draws.normal(size=(61, 16)), draws.normal(size=(47, 16))
    y[:30] = x[10:40] + 0.2 * y[:30]
    x[50:], y[40:] = x[20], y[20]  # ties across the borders of parts and blocks
    for name, vectors in (("x", x), ("y", y), ("zero", y * (np.arange(47) != 33)[:, None])):
        np.save(tmp_path / f"{name}.npy", vectors.astype(np.float32))
    return tmp_path


TEXTS = ["--source-ids", "a.tsv", "--target-ids", "b.tsv", "--encoder", "encoder"]
GOLD = ["--gold", "gold.tsv", "--layer", "all", "--json", "scores.json"]
VECTORS = ["--source-embeddings", "x.npy", "--target-embeddings", "y.npy", "--k", "3"]


def start(
    folder: Path, launcher: str, ranks: int, words: list[str], pause: float = 0, broken: int = -1
) -> subprocess.Popen[str]:
    """Starts the ranks of a job, of which one may have no encoder."""
    port = str(free_port())
    commands = {
        "mpiexec": [str(PROGRAMS / "mpiexec"), "-n", str(ranks), sys.executable, "-c"],
        "torchrun": [str(PROGRAMS / "torchrun"), "--nproc-per-node", str(ranks)],
    }
    program = PROGRAM
    if launcher == "torchrun":
        commands[launcher] += ["--master-port", port]
        program = str(folder / "program.py")
        Path(program).write_text(PROGRAM)
    environment = {name: value for name, value in os.environ.items() if name != "MASTER_ADDR"}
    paths = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    environment |= {"OMP_NUM_THREADS": "1", "MASTER_PORT": port, "PYTHONPATH": paths}
    return subprocess.Popen(
        [*commands[launcher], program, json.dumps([words, pause, broken])],
        cwd=folder,
        env={**environment, "DSTILTS_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what was said on standard error."""
    try:
        _, said = process.communicate(timeout=SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the ranks with their launcher
    return process.returncode, said


@pytest.fixture
def alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is in the folder, with small shards and blocks, on one thread as a rank is."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DSTILTS_CACHE", str(folder / "cache"))
    monkeypatch.setattr(embed, "SHARD_SENTENCES", 8)
    monkeypatch.setattr(job, "BLOCK_BYTES", 640)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("alone")
def test_same_bytes_for_any_number_of_ranks(folder: Path) -> None:
    for words, *files in ([[*TEXTS, *GOLD], "texts.tsv", "scores.json"], [VECTORS, "vectors.tsv"]):
        words = [*words, "--out", files[0]]
        assert main(["mine", *words]) == 0
        expected = [(folder / file).read_bytes() for file in files]
        assert all(len(content.splitlines()) > 3 for content in expected)
        for launcher, ranks in (("mpiexec", 2), ("torchrun", 4)):
            for file in files:
                (folder / file).unlink()
            code, said = ended(start(folder, launcher, ranks, words))
            assert code == 0, said
            assert [(folder / file).read_bytes() for file in files] == expected, ranks


@pytest.mark.parametrize(
    ("words", "broken", "line"),
    [
        (
            ["--source-embeddings", "x.npy", "--target-embeddings", "zero.npy"],
            -1,
            "dstilts: zero.npy: row 33 is zero and has no direction",
        ),
        (TEXTS, 1, "dstilts: rank 1: no such encoder here"),
    ],
)
def test_a_mistake_is_one_line_of_all_ranks(
    words: list[str], broken: int, line: str, folder: Path
) -> None:
    code, said = ended(start(folder, "mpiexec", 2, words, broken=broken))
    assert code == 2
    (found,) = [text for text in said.splitlines() if text.startswith("dstilts")]
    assert found.startswith(line)
    assert not list(folder.glob("pairs.tsv*"))


@pytest.mark.usefixtures("alone")
def test_a_killed_rank_ends_the_job_and_the_next_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mine", *TEXTS, "--out", "whole.tsv"]) == 0
    state = folder / "pairs.tsv.work" / "source.json"
    process = start(folder, "mpiexec", 2, TEXTS, pause=1.0)
    deadline = time.monotonic() + SECONDS
    while not state.exists():
        assert process.poll() is None, ended(process)
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(int((folder / "1.pid").read_text()), signal.SIGKILL)
    code, said = ended(process)
    assert code != 0, said
    assert not (folder / "pairs.tsv").exists()
    done = json.loads(state.read_text())["done"]
    assert 0 < done < 60
    # On another number of ranks, too, what is encoded stays.
    assert main(["mine", *TEXTS]) == 0
    assert "what an unfinished job has left in pairs.tsv.work is used" in capsys.readouterr().err
    assert (folder / "pairs.tsv").read_bytes() == (folder / "whole.tsv").read_bytes()

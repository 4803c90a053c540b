"""A training set of a million examples: how soon a run begins, and how much memory it takes.

`python -m dstilts.bench.large_input --examples 1000000 --ranks 2 --out large_input.json`
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dstilts.bench.machine import describe_machine
from dstilts.bench.made_up_files import write_pairs
from dstilts.bench.watched_ranks import WatchedRanks
from dstilts.core.errors import RunError, UserError
from dstilts.core.files import write_json
from dstilts.core.logs import log
from dstilts.engine.phase import (
    BatchConfig,
    DataConfig,
    EngineConfig,
    PhaseConfig,
    ScheduleConfig,
    TaskUse,
)

_MARKS = (100, 1_000, 10_000)  # steps after which the memory is looked at


def main(arguments: Sequence[str]) -> int:
    """Measures, prints the figures as JSON and writes them to a file if wanted."""
    options = _options(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="dstilts-large-", dir=options.folder) as name:
            figures = measure(Path(name), options)
    except (UserError, RunError) as error:
        print(f"dstilts: {error}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1
    print(json.dumps(figures, indent=1))
    if options.out:
        write_json(options.out, figures)
    return 0


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of a run that builds the rows, and of one that finds them.

    Raises:
        RunError: a run failed.
    """
    log(f"writing {options.examples:,} pairs")
    begin = time.monotonic()
    file = write_pairs(folder / "data", options.examples)
    written = time.monotonic() - begin
    encoder = options.encoder or str(small_encoder(folder / "encoder"))
    cache = folder / "cache"
    cache.mkdir()

    log("first start: the rows are built")
    phase = _phase(folder, "built", encoder, steps=1)
    built = WatchedRanks(phase, options.ranks, cache).watch(())
    log(f"second start: {options.steps:,} steps")
    phase = _phase(folder, "cached", encoder, steps=options.steps)
    marks = tuple(mark for mark in _MARKS if mark <= options.steps)
    cached = WatchedRanks(phase, options.ranks, cache).watch(marks)
    return {
        "examples": options.examples,
        "ranks": options.ranks,
        "file_mib": round(file.stat().st_size / 2**20),
        "cache_mib": round(sum(f.stat().st_size for f in cache.rglob("*.*")) / 2**20),
        "seconds_to_write": round(written, 1),
        "built": built,
        "cached": cached,
        "machine": describe_machine("fp32"),
    }


def small_encoder(folder: Path) -> Path:
    """Writes a random encoder of two narrow layers with the default encoder's tokenizer."""
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

    from dstilts.models.default import default_encoder_folder

    tokenizer = AutoTokenizer.from_pretrained(default_encoder_folder(), trust_remote_code=False)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
    )
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _phase(folder: Path, name: str, encoder: str, steps: int) -> PhaseConfig:
    return PhaseConfig(
        name=name,
        role="intermediate",
        output=folder / name,
        parent=encoder,
        tasks=(TaskUse("mnli"),),
        data=DataConfig("local", folder / "data"),
        schedule=ScheduleConfig(steps=steps, learning_rate=1e-3),
        batch=BatchConfig(tokens=512, micro_batches=2, max_length=128),
        engine=EngineConfig(log_every=1),
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dstilts.bench.large_input")
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10_000, help="of the second start")
    parser.add_argument("--encoder", help="a folder or name (default: a small random one)")
    parser.add_argument("--folder", type=Path, help="in which a temporary folder is made")
    parser.add_argument("--out", type=Path, help="for the figures, as JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

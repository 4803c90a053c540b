"""ZeRO-3: while it is loaded a model takes a rank's shard and the parameter at hand, not more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import XLMRobertaConfig, XLMRobertaModel

from tests.distributed.launch import REPOSITORY, free_port
from tests.tiny import tiny_encoder, tiny_tokenizer

pytestmark = pytest.mark.distributed

_SLACK = 8 << 20  # bytes: what the allocator and the model's modules take


@pytest.mark.parametrize("ranks", [2, 4])
def test_peak_is_the_shard_and_one_tensor(ranks: int, tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=512,
        num_hidden_layers=12,
        num_attention_heads=8,
        intermediate_size=2048,
        pad_token_id=1,
        max_position_embeddings=130,
    )
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "large")
    tokenizer.save_pretrained(tmp_path / "large")
    warm_up = tiny_encoder(tmp_path / "tiny")
    command = [
        str(Path(sys.executable).with_name("deepspeed")),
        f"--num_accelerators={ranks}",
        f"--master_port={free_port()}",
        *("--module", "tests.distributed.loading"),
        *map(str, (warm_up, tmp_path / "large", tmp_path)),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=environment,
        timeout=200,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for rank in range(ranks):
        facts = json.loads((tmp_path / f"{rank}.json").read_text())
        assert facts["shard"] <= facts["whole"] / ranks + (1 << 20)
        assert facts["peak"] >= facts["shard"]
        assert facts["peak"] <= facts["shard"] + facts["largest"] + _SLACK, facts

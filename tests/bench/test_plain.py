"""The peers' model is that of dstilts, and the held-out loss is a mean over rows."""

from pathlib import Path

import pytest

from dstilts.bench.batches import rows_of
from dstilts.bench.examples import make_sets
from dstilts.bench.plain import PlainModel, held_out_loss
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import heads_of, token_rows
from dstilts.engine.phase import BatchConfig
from dstilts.models.collate import collate
from dstilts.models.encoder import load_encoder
from dstilts.models.multitask import MultiTaskModel


@pytest.mark.parametrize("task", ["mnli", "squad_v1"])
def test_the_same_model_as_ours(encoder: Path, task: str) -> None:
    bundle = load_encoder(str(encoder))
    examples, _ = make_sets(task, 30, 0, seed=1)
    heads = heads_of([examples])
    [(name, spec)] = heads.items()
    [rows] = token_rows(
        [examples],
        bundle.tokenizer,
        BatchConfig(max_length=128, max_length_span=128),
        ProcessGroup(),
    )
    plain = PlainModel(bundle.model, spec, name, seed=7)
    ours = MultiTaskModel(bundle.model, heads, seed=7).eval()
    batch = {**collate(rows_of(rows), rows.kind, 1), "head": name}
    mean = ours(batch).item() / len(rows.rows)
    assert held_out_loss(plain, rows, 1) == pytest.approx(mean, abs=1e-5)

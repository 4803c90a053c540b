"""The module that is trained, for each kind of encoder."""

from pathlib import Path

import pytest
import torch

from dstilts.models.collate import collate
from dstilts.models.encoder import load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.models.multitask import MultiTaskModel
from tests.tiny import tiny_encoder

HEADS = {
    "nli": HeadSpec("pair", ("a", "b", "c")),
    "choice": HeadSpec("choice"),
    "span": HeadSpec("span"),
    "pos": HeadSpec("tagging", ("X", "Y")),
    "lareqa": HeadSpec("retrieval", similarity="dot"),
    "mlm": HeadSpec("mlm"),
}


def batch(head: str) -> dict:
    ids = [[0, 5, 6, 7, 2], [0, 8, 2]]
    rows = [{"input_ids": row, "label": 0, "start": 1, "end": 1} for row in ids]
    for row in rows:
        row["labels"] = [-100, *[1] * (len(row["input_ids"]) - 1)]
        row["choice_input_ids"] = ids
        row["candidate"] = len(row["input_ids"])
    return {**collate(rows, HEADS[head].kind, pad_id=1), "head": head}


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "mt5", "modernbert"])
def test_every_head_on_every_encoder(tmp_path: Path, kind: str) -> None:
    model = MultiTaskModel(load_encoder(str(tiny_encoder(tmp_path, kind))).model, HEADS, seed=1)
    num_pieces = model.encoder.get_input_embeddings().num_embeddings
    shapes = {"nli": (2, 3), "choice": (2, 2), "span": (2, 5, 2), "pos": (2, 5, 2)}
    shapes |= {"lareqa": (2, 2), "mlm": (6, num_pieces)}
    for head, shape in shapes.items():
        model.zero_grad()
        model(batch(head)).backward()
        touched = {
            n.split(".")[2] for n, p in model.bank.named_parameters("bank") if p.grad is not None
        }
        assert touched == {head} - {"lareqa"}  # which has no weights of its own
        logits = model.eval().predict(batch(head))
        assert logits.shape == shape
        assert logits.dtype == torch.float32


def test_padding_changes_nothing(tmp_path: Path) -> None:
    model = MultiTaskModel(load_encoder(str(tiny_encoder(tmp_path))).model, HEADS, seed=1).eval()
    together = model.predict(batch("nli"))
    alone = collate([{"input_ids": [0, 8, 2], "label": 0}], "pair", pad_id=1)
    torch.testing.assert_close(together[1:], model.predict({**alone, "head": "nli"}))


def test_heads_start_the_same_whatever_stands_beside_them(tmp_path: Path) -> None:
    folder = str(tiny_encoder(tmp_path))
    alone = MultiTaskModel(load_encoder(folder).model, {"pos": HEADS["pos"]}, seed=3)
    among = MultiTaskModel(load_encoder(folder).model, HEADS, seed=3)
    for name, weight in alone.bank.heads.state_dict().items():
        assert torch.equal(weight, among.bank.heads.state_dict()[name])

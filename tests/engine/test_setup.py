"""The optimizer's groups, and embeddings that stand still."""

from pathlib import Path

import torch

from dstilts.engine.phase import ScheduleConfig
from dstilts.engine.setup import build_optimizer
from dstilts.engine.trained_model import freeze_embeddings
from dstilts.models.encoder import load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.models.multitask import MultiTaskModel


def model(encoder: Path) -> MultiTaskModel:
    return MultiTaskModel(load_encoder(str(encoder)).model, {"nli": HeadSpec("pair", ("a", "b"))})


def test_every_parameter_is_in_one_group(encoder: Path) -> None:
    made = model(encoder)
    optimizer = build_optimizer(made, ScheduleConfig(learning_rate=1e-5, head_learning_rate=1e-3))
    names = {id(p): name for name, p in made.named_parameters()}
    seen = {}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            seen[names.pop(id(parameter))] = (group["weight_decay"], group["peak_lr"])
    assert not names
    for name, (decay, rate) in seen.items():
        is_plain = name.endswith("bias") or "LayerNorm" in name
        assert decay == (0.0 if is_plain else 0.01), name
        assert rate == (1e-3 if name.startswith("bank.") else 1e-5), name


def test_frozen_embeddings_are_kept_aside(encoder: Path) -> None:
    made = model(encoder)
    frozen = freeze_embeddings(made)
    (name,) = frozen
    assert name == "encoder.embeddings.word_embeddings.weight"
    weight = made.get_parameter(name)
    assert torch.equal(frozen[name], weight)
    assert not weight.requires_grad
    optimizer = build_optimizer(made, ScheduleConfig())
    assert all(p is not weight for group in optimizer.param_groups for p in group["params"])

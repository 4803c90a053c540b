"""What an evaluation knows of its models before it runs them."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.evaluation.models import ModelShelf
from dstilts.models.heads import HeadSpec
from dstilts.tasks.catalog import task
from tests.evaluation.tiny_farm import publish_tiny


def test_a_published_model(tmp_path: Path) -> None:
    model = ModelShelf().model(str(publish_tiny(tmp_path / "model")))
    assert (model.key, model.intermediate, model.encoder) == ("k1", "nli", "tiny")
    assert model.published
    for name in ("xnli", "xquad", "udpos", "socialiqa", "tatoeba"):
        model.check_serves(task(name))
    with pytest.raises(UserError, match=r"no head 'qqp' for the task 'qqp'; its heads: nli, "):
        model.check_serves(task("qqp"))


def test_a_head_with_other_labels_serves_not(tmp_path: Path) -> None:
    model = ModelShelf().model(str(publish_tiny(tmp_path / "model")))
    model.heads["nli"] = HeadSpec("pair", ("yes", "no"))  # type: ignore[index]
    with pytest.raises(UserError, match="has other labels than the task 'xnli': yes, no"):
        model.check_serves(task("xnli"))


def test_an_encoder_as_it_is(tmp_path: Path) -> None:
    publish_tiny(tmp_path / "model")
    shelf = ModelShelf()
    encoder = shelf.model(str(tmp_path / "model-encoder"))
    assert (encoder.intermediate, encoder.target, encoder.seed) == ("none", None, None)
    assert not encoder.published
    assert shelf.reader(encoder).longest == 128


def test_models_that_read_alike_share_a_tokenizer(tmp_path: Path) -> None:
    shelf = ModelShelf()
    first, second = (
        shelf.model(str(publish_tiny(tmp_path / name, seed=seed)))
        for name, seed in (("a", 1), ("b", 2))
    )
    assert first.digest != second.digest
    assert shelf.reader(first) is shelf.reader(second)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json is missing"):
        ModelShelf().model(str(tmp_path))

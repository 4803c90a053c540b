"""The module that is trained, made from an encoder and the tasks, and its weights put back."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from dstilts.core.errors import UserError
from dstilts.engine.batches import Tensors
from dstilts.engine.data import PreparedTasks
from dstilts.engine.phase import EngineConfig, PhaseConfig
from dstilts.engine.plan import TaskRows
from dstilts.engine.prefetch import pinned
from dstilts.models.bert_attention import has_bert_layers
from dstilts.models.compact_embedding import CompactEmbedding, compact, used_ids
from dstilts.models.encoder import EncoderBundle
from dstilts.models.layers import checkpoint_activations, compile_layers
from dstilts.models.multitask import MultiTaskModel
from dstilts.models.packing import enable_packing, pack, supports_packing


class TrainedModel:
    """An encoder with heads as it is trained.

    Attributes:
        model: the module.
        frozen: by name the weights that are not trained, in fp32.
        transforms: what a batch goes through before the module.
    """

    def __init__(
        self,
        bundle: EncoderBundle,
        tasks: PreparedTasks,
        validation: Sequence[TaskRows],
        config: PhaseConfig,
        device: torch.device,
    ) -> None:
        encoder, engine = bundle.model, config.engine
        self._compact: CompactEmbedding | None = None
        if not engine.freeze_embeddings:
            self._compact = self._compacted(bundle, [*tasks.rows, *validation])
        self.model = MultiTaskModel(encoder, tasks.heads, config.seed)
        self.frozen = freeze_embeddings(self.model) if engine.freeze_embeddings else {}
        self.transforms: tuple[Callable[[Tensors], Tensors], ...] = ()
        if self._compact is not None:
            self.transforms += (self._translate,)
        if _removes_padding(encoder, engine, device):
            enable_packing(encoder)
            self.transforms += (lambda tensors: pack(tensors, encoder.config),)
        if device.type == "cuda":
            self.transforms += (pinned,)
        if engine.activation_checkpointing:
            checkpoint_activations(encoder)
        if engine.compile:
            compile_layers(encoder, device.type)

    def restored(self, weights: dict[str, Tensor], decay: float) -> dict[str, Tensor]:
        """The weights under the names and in the shapes of the encoder that was given.

        Args:
            weights: of the module; none on ranks other than 0.
            decay: the weight decay that parameters without gradients went through.
        """
        if self._compact is None or not weights:
            return weights
        name = f"encoder.{self._compact.name}"
        return {**weights, name: self._compact.restore(weights[name], decay)}

    @staticmethod
    def _compacted(bundle: EncoderBundle, rows: Sequence[TaskRows]) -> CompactEmbedding | None:
        """Only the word embeddings that the data use; the output of mlm needs them all."""
        if any(each.kind == "mlm" for each in rows):
            return None
        embeddings = bundle.model.get_input_embeddings()
        if not isinstance(embeddings, nn.Embedding):
            return None
        used = used_ids([each.table for each in rows], embeddings.num_embeddings)
        used[list(bundle.tokenizer.all_special_ids)] = True
        return compact(bundle.model, used)

    def _translate(self, tensors: Tensors) -> Tensors:
        assert self._compact is not None
        return {**tensors, "input_ids": self._compact.translate(tensors["input_ids"])}


def _removes_padding(encoder: PreTrainedModel, engine: EngineConfig, device: torch.device) -> bool:
    """Whether rows are joined without padding, where nothing else is said.

    On GPUs wherever it can be; on a CPU for BERT's layers alone: rows of about one length leave
    little padding to save, but packed ones have the attention of `dstilts.models.bert_attention`.
    """
    if engine.remove_padding and not supports_packing(encoder):
        raise UserError(
            f"engine.remove_padding is not for encoders of type {encoder.config.model_type!r}",
            remedy="leave it out",
        )
    wanted = engine.remove_padding
    if wanted is None:
        wanted = device.type == "cuda" or has_bert_layers(encoder)
    return wanted and supports_packing(encoder)


def freeze_embeddings(model: MultiTaskModel) -> dict[str, Tensor]:
    """Takes the word embeddings out of training; returns them in fp32 by parameter name.

    A deviation from the paper: it saves most of the gradient traffic and optimizer state. The copy
    is for publishing: an engine in bf16 rounds what it does not train.
    """
    embeddings: nn.Module = model.encoder.get_input_embeddings()
    frozen = {id(p): p for p in embeddings.parameters()}
    for parameter in frozen.values():
        parameter.requires_grad_(False)
    return {n: p.detach().clone() for n, p in model.named_parameters() if id(p) in frozen}

"""How much memory ZeRO needs on a rank: the formula."""

from dataclasses import dataclass

from dstilts.engine.phase import Offload, Precision

_MASTER = 4  # bytes of a weight in fp32
_MOMENTS = 8  # AdamW's two, in fp32
_COMPUTED: dict[Precision, int] = {"fp32": 4, "bf16": 2, "fp16": 2}


@dataclass(frozen=True)
class ZeroBytes:
    """Bytes of a rank by what they are for."""

    parameters: int
    gradients: int
    master_weights: int
    moments: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.parameters + self.gradients + self.master_weights + self.moments


def zero_bytes(
    num_trained: int,
    *,
    precision: Precision,
    stage: int,
    world_size: int,
    offload: Offload = "none",
) -> ZeroBytes:
    """What a rank keeps of P trained parameters on N ranks, on its device.

    With b bytes a parameter as it is computed with (4 in fp32, 2 in bf16 and fp16):

    | stage | parameters | gradients | master weights | moments |
    |---|---|---|---|---|
    | 0 | b P | b P | 4 P, in fp32 0 | 8 P |
    | 1 | b P | b P | 4 P / N | 8 P / N |
    | 2 | b P | b P / N | 4 P / N | 8 P / N |
    | 3 | b P / N | b P / N | 4 P / N | 8 P / N |

    Offloading the optimizer takes master weights and moments to the host, and the gradients where
    they are divided (stages 2 and 3); offloading the parameters takes those along. What is not in
    it: activations, the buffers of communication, parameters that are fetched for a moment
    (stage 3), and weights that are not trained.
    """
    computed = _COMPUTED[precision]
    part = -(-num_trained // world_size)
    kept = part if stage else num_trained  # of master weights and moments
    has_masters = stage > 0 or precision != "fp32"
    on_device = offload == "none"
    computed_with = part if stage == 3 else num_trained
    return ZeroBytes(
        parameters=0 if offload == "parameters" else computed * computed_with,
        gradients=computed * (num_trained if stage < 2 else part if on_device else 0),
        master_weights=_MASTER * kept if has_masters and on_device else 0,
        moments=_MOMENTS * kept if on_device else 0,
    )

"""What happens around the steps of the loop: each hook is one concern, in a fixed order."""

from dataclasses import dataclass

from torch import Tensor

from dstilts.engine.plan import GlobalStep


@dataclass(frozen=True)
class StepResult:
    """A step that was taken."""

    step: int
    work: GlobalStep
    losses: Tensor  # (tasks,) this rank's share of each task's mean loss; 0 without a part in it
    loss: Tensor  # this rank's share of the step's loss; both on the device: reading is a sync
    learning_rate: float  # of the encoder
    gradient_norm: float | Tensor | None  # of the whole gradient before clipping, where asked for


class Hook:
    """One concern. Every rank runs every hook: what a hook does may be a collective."""

    def wants_gradient_norm(self, step: int) -> bool:
        """Whether `after_step` of this step reads the gradient norm."""
        return False

    def after_step(self, result: StepResult) -> bool:
        """Called after every step; says whether the run is to end with it."""
        return False

    def at_end(self) -> None:
        """Called after the last step, before the model is published."""

"""English intermediate-task training for zero-shot cross-lingual transfer, on DeepSpeed."""

__version__ = "0.1.0"

"""Training one phase under DeepSpeed."""

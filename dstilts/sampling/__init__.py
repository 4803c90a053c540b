"""Which task and which examples a step sees: pure functions of (seed, step)."""

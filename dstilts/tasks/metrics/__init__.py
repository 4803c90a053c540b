"""Scores as pure functions of predictions and labels, in per cent."""

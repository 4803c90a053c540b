"""A grid of intermediate and target tasks as a graph of phases, run once each."""

"""Transformations of a training set: pure, drawn from a seed, each said in the set's `subset`."""

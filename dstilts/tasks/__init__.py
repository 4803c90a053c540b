"""What is trained and evaluated: the catalog, sources of examples, their encoding, metrics."""

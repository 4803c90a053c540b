"""The embedded edition: a hand-written phrasebook and the generator of small tasks from it."""

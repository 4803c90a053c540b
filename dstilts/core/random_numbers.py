"""Counter-based random numbers: a stream is a pure function of its name; nothing needs saving."""

import hashlib

import numpy as np


def stream(*name: str | int) -> np.random.Generator:
    """A generator that depends on `name` alone, for example `stream(seed, "schedule")`.

    The name's SHA-256 is the key of a Philox counter generator: streams of different names are
    independent, and the same name gives the same numbers on every machine and rank.
    """
    return np.random.Generator(np.random.Philox(key=stream_key(*name)))


def stream_key(*name: str | int) -> int:
    """The 128-bit key of the stream `name`."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in name)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def torch_seed(*name: str | int) -> int:
    """A seed for `torch.manual_seed` that depends on `name` alone (63 bits)."""
    return stream_key(*name) & (2**63 - 1)

"""Random streams: one integer seed, any number of named, independent generators.

A stream is a counter-based generator whose key is the hash of the seed and of its labels, so that it
depends on neither the order in which streams are used nor on how work is divided.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

__all__ = ["stream"]


def stream(seed: int, *labels: Any) -> np.random.Generator:
    """Return the generator of a purpose, e.g. ``stream(0, "field", "a")``."""
    text = "\x1f".join([str(int(seed)), *map(str, labels)])
    key = hashlib.sha256(text.encode()).digest()[:16]
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))

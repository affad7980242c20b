"""JSON from files of unknown origin: bounded in length, in lists and in depth before it is parsed."""

from __future__ import annotations

import json
from typing import Any

from sciml.errors import FileError

__all__ = ["bounded_json"]

MAX_LENGTH = 8 * 2**20
MAX_DEPTH = 256
MAX_LISTS = 10_000  # a problem of the catalogue has a few hundred


def bounded_json(content: Any, where: str) -> Any:
    """Parse JSON text.

    Args:
        content: What the file holds there, of any type.
        where: The place, as a message names it.

    Raises:
        FileError: Not text, not JSON, or larger than anything that this package writes.
    """
    small = isinstance(content, str) and len(content) <= MAX_LENGTH and content.count("[") <= MAX_LISTS
    if not small or _depth(content) > MAX_DEPTH:
        msg = f"{where} is not JSON of at most {MAX_LISTS} lists and {MAX_DEPTH} levels."
        raise FileError("F412", msg)
    try:
        return json.loads(content)
    except ValueError as error:
        msg = f"{where} is not JSON: {str(error)[:120]}"
        raise FileError("F412", msg) from None


def _depth(content: str) -> int:
    """Bound the nesting of JSON text from its brackets, those inside strings included."""
    level = deepest = 0
    for character in content:
        if character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest

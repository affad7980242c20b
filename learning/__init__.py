"""Optimisers and audio methods of the same research line.

The first of them arrives with the training loop; nothing is here yet.
"""

if __name__ != "sciml.learning":  # a second copy of every class would be made under another name
    msg = f"import this package as sciml.learning, not as {__name__!r}"
    raise ImportError(msg)

"""The catalogue: ready declarations, each with its source, good values and, where known, exact solution.

Each file holds one function of the same name that returns a ``Problem``, as in
``from sciml.problems.heat import heat``; ``sciml problems`` lists them. Where a random solution has a
known law, a second function states it.
"""

if __name__ != "sciml.problems":  # a second copy of every class would be made under another name
    msg = f"import this package as sciml.problems, not as {__name__!r}"
    raise ImportError(msg)

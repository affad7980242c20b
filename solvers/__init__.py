"""Solution methods, one folder each. They import the core and never each other."""

if __name__ != "sciml.solvers":  # a second copy of every class would be made under another name
    msg = f"import this package as sciml.solvers, not as {__name__!r}"
    raise ImportError(msg)

"""SymPy to torch. The only place where a symbolic expression becomes numbers."""

from sciml.lower.compiled import Compiled, compile_expressions

__all__ = ["Compiled", "compile_expressions"]

"""Driving noise, as it is declared in an equation."""

from __future__ import annotations

from typing import Any

from sciml.dsl.vectors import Named

__all__ = ["WhiteNoise"]


class WhiteNoise(Named):
    """Gaussian white noise of unit intensity in the coordinates it is given.

    ``sigma*WhiteNoise("xi", t)`` adds ``σ dW``. The same name is the same noise; different names
    are independent.
    """

    def _latex(self, printer: Any) -> str:
        return rf"\{self.name}" if self.name in {"xi", "eta", "zeta"} else self.name

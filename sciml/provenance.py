"""Where results come from: run, device, versions, date."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sciml.options import as_record
from sciml.run import Run

__all__ = ["origin"]

PACKAGES = ("sciml-solvers", "torch", "sympy", "numpy", "xarray")


def origin(run: Run, device: str, seconds: float) -> dict[str, Any]:
    """Return what is known of results that were computed just now, JSON-ready.

    Args:
        run: How they were computed.
        device: Where, and in which precision.
        seconds: Wall-clock time that it took.
    """
    return {
        "run": as_record(run),
        "device": device,
        "seconds": round(seconds, 3),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {p: _version(p) for p in PACKAGES} | {"python": platform.python_version()},
        "platform": f"{sys.platform} {platform.machine()}",
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"

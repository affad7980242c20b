"""Device, precision and threads of a run, in torch's terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sciml.errors import OptionError
from sciml.run import Run

__all__ = ["device_of", "dtype_of", "limited_threads"]


def device_of(run: Run) -> torch.device:
    """Return the device of a run.

    Raises:
        OptionError: CUDA was asked for and there is none.
    """
    if run.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(run.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        msg = f"Run(device={run.device!r}), but torch {torch.__version__} sees no CUDA device."
        raise OptionError("O322", msg, fix="Run(device='auto') takes the CPU where there is no GPU")
    return device


def dtype_of(run: Run, default: torch.dtype) -> torch.dtype:
    """Return the real dtype of a run."""
    return {None: default, "float64": torch.float64, "float32": torch.float32}[run.dtype]


@contextmanager
def limited_threads(count: int | None) -> Iterator[None]:
    """Use a number of CPU threads, and put the former number back afterwards."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

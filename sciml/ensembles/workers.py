"""Blocks of samples, in order: computed here, or by processes of this machine.

Worker w of W computes the blocks w, w + W, w + 2W, ... and sends each through a pipe of its own, which
the caller empties in order. A worker that is ahead waits to be rid of its block, so that there is never
more than one block in memory per worker, whatever the number of samples.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import xarray as xr

from sciml.ensembles.request import Request

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

__all__ = ["drawn"]

GUARD = "A script that takes several workers must do so under  if __name__ == '__main__':"


def drawn(request: Request, done: int) -> Generator[xr.Dataset]:
    """Draw the blocks that are left after ``done`` samples, in order.

    Yields:
        What the sampler drew, with its ``device`` among the attributes.

    Raises:
        Exception: Whatever a sampler raises, here or in a worker; a note says in which samples.
    """
    blocks = request.blocks(done)
    workers = min(request.workers, len(blocks))
    if workers > 1:
        yield from _by_processes(request, blocks, workers)
    elif blocks:
        yield from _computed(request, blocks, None)


def _computed(request: Request, blocks: Sequence[Sequence[int]], threads: int | None) -> Generator[xr.Dataset]:
    sampler = request.method.sampler(request.problem, request.grid, request.run, request.recorded, model=request.model)
    with _limited(request.run.threads or sampler.threads or threads):
        for block in blocks:
            try:
                found = sampler.draw(block)
            except Exception as error:
                error.add_note(f"while drawing the samples {block[0]} to {block[-1]}")
                raise
            yield found.assign_attrs(device=sampler.device)


def _limited(threads: int | None) -> AbstractContextManager[None]:
    """Limit the threads of torch, which a sampler that computes without it has not loaded."""
    if "torch" not in sys.modules:
        return nullcontext()
    from sciml.compute import limited_threads

    return limited_threads(threads)


def _by_processes(request: Request, blocks: list[Sequence[int]], workers: int) -> Generator[xr.Dataset]:
    context = multiprocessing.get_context("spawn")  # a fork would copy locks and threads of torch
    crew: list[tuple[SpawnProcess, Connection]] = []
    try:
        for w in range(workers):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(there, request, blocks[w::workers], workers), daemon=True)
            process.start()
            there.close()  # so that the pipe ends when the worker does
            crew.append((process, here))
        for j, block in enumerate(blocks):
            yield _received(*crew[j % workers], block)
    finally:
        for process, here in crew:
            here.close()
            process.terminate()
            process.join()


def _received(process: SpawnProcess, pipe: Connection, block: Sequence[int]) -> xr.Dataset:
    try:
        found = pipe.recv()
    except EOFError:
        process.join()
        msg = (
            f"a worker ended with exit code {process.exitcode} before it had drawn the samples {block[0]} to "
            f"{block[-1]}: it was killed, perhaps for want of memory, or could not start. {GUARD}"
        )
        raise RuntimeError(msg) from None
    if isinstance(found, BaseException):
        raise found
    samples: xr.Dataset = found
    return samples


def _work(pipe: Connection, request: Request, blocks: list[Sequence[int]], workers: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the caller ends this one
    try:
        for samples in _computed(request, blocks, max(1, (os.cpu_count() or 1) // workers)):
            pipe.send(samples)
    except BrokenPipeError:
        return  # the caller is gone, or wants no more
    except Exception as error:
        error.add_note(f"in a worker process:\n{traceback.format_exc()}")
        pipe.send(_portable(error))


def _portable(error: Exception) -> Exception:
    """Return the error as it can be sent: some exceptions do not survive pickling."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever an exception's own constructor may raise
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        plain.__notes__ = error.__notes__
        return plain
    return error

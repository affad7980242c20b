"""Several processes that train together: the same script under ``torchrun``.

Work is keyed by eight virtual shards, not by processes: random streams are named by the shard, so that
two processes with four shards each draw what one process with eight draws, and the results are equal
to rounding. Hence the number of processes must divide eight.
"""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from sciml.errors import MethodMismatch, OptionError

__all__ = ["SHARDS", "World", "launched", "refuse_many"]

SHARDS = 8


def launched() -> int:
    """Return the number of processes that torchrun started; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if {"RANK", "WORLD_SIZE", "LOCAL_RANK"} <= set(os.environ) else 1


def refuse_many(name: str) -> None:
    """Refuse a method that cannot share its work.

    Raises:
        MethodMismatch: Several processes were started, each of which would do all of it.
    """
    if launched() > 1:
        msg = f"{name!r} runs in one process; torchrun started {launched()}, and each would do all of the work."
        raise MethodMismatch("M202", msg, fix="run the script with python instead of torchrun")


@dataclass(frozen=True)
class World:
    """The processes of a run, as one of them sees it.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes; divides ``SHARDS``.
        device: Device of this process.
    """

    rank: int
    size: int
    device: torch.device

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.size or SHARDS % self.size:
            msg = f"{self.size} processes cannot share {SHARDS} shards of work evenly."
            raise OptionError("O325", msg, fix="torchrun --nproc-per-node 1, 2, 4 or 8")

    @classmethod
    def single(cls, device: torch.device | str = "cpu") -> World:
        """Return the world of one process."""
        return cls(0, 1, torch.device(device))

    @classmethod
    def current(cls, device: torch.device | str = "cpu") -> World:
        """Return the world that torchrun made, and join it on first use; of one process without torchrun.

        Args:
            device: Where to compute; of several CUDA devices each process takes the one of its local rank.

        Raises:
            OptionError: The number of processes does not divide ``SHARDS``.
        """
        device = torch.device(device)
        if launched() == 1:
            return cls.single(device)
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        world = cls(int(os.environ["RANK"]), launched(), device)
        if not dist.is_initialized():
            # gloo beside nccl: flags of the loop live on the CPU, where asking costs no wait for the GPU
            backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
            dist.init_process_group(backend, device_id=device if device.type == "cuda" else None)
            atexit.register(cls.leave)
        return world

    @staticmethod
    def leave() -> None:
        """Leave the process group; done at the end of the process as well."""
        if dist.is_initialized():
            dist.destroy_process_group()

    @property
    def leads(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    @property
    def shards(self) -> range:
        """The shards of this process: a block, so that gathered parts are in the order of one process."""
        each = SHARDS // self.size
        return range(self.rank * each, (self.rank + 1) * each)

    def mean(self, tensor: Tensor) -> Tensor:
        """Return the mean over processes, the same bits in each; shapes must agree."""
        if self.size == 1:
            return tensor
        total = tensor.detach().clone()
        dist.all_reduce(total)
        return total / self.size

    def gathered(self, tensor: Tensor) -> Tensor:
        """Return the tensors of all processes, joined along the first axis in the order of shards."""
        if self.size == 1:
            return tensor
        parts = [torch.empty_like(tensor) for _ in range(self.size)]
        dist.all_gather(parts, tensor.detach().contiguous())
        return torch.cat(parts)

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Tell, for each flag, whether it is set in any process; all get the same answer."""
        if self.size == 1:
            return flags
        found = torch.tensor([int(f) for f in flags])
        dist.all_reduce(found, op=dist.ReduceOp.MAX)
        return tuple(bool(f) for f in found.tolist())

"""Several processes that share the work of a step, as `torchrun` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

PATIENCE = timedelta(hours=3)  # while the first process prepares the cases, or validates


@dataclass(frozen=True)
class Processes:
    """This process among those that work on a run.

    Attributes:
        rank: Number of this process, from 0.
        count: Number of processes.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Return whether this process writes files and prints."""
        return self.rank == 0

    def add(self, x: Tensor) -> None:
        """Sum `x` over all processes, in place."""
        if self.count > 1:
            dist.all_reduce(x)

    def wait(self) -> None:
        """Wait until all processes have reached this call."""
        if self.count > 1:
            dist.barrier()

    def agreed(self, number: int) -> int:
        """Return the first process's number on all of them."""
        if self.count == 1:
            return number
        shared = [number]
        dist.broadcast_object_list(shared, src=0)
        return shared[0]


ALONE = Processes()


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Join the processes that `torchrun` started for the duration of the block; without it, this one alone.

    On CUDA each takes the GPU of its local rank and they talk by NCCL, elsewhere by Gloo.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()

"""Gradient and batch-norm accumulation over the micro-batches of a step, on one process or several."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from anybone.core.array_types import Float
from anybone.training.processes import Processes


def micro_batch_seed(seed: int, step: int, part: int) -> int:
    """Return the seed of one micro-batch of one step, the same on every process and in every resumed run."""
    digest = hashlib.blake2b(f"{seed} {step} {part}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@torch.no_grad()
def all_reduce_gradients(parameters: Iterable[nn.Parameter], processes: Processes) -> None:
    """Sum gradients over all processes; a gradient stays None where no process has one."""
    trained = [p for p in parameters if p.requires_grad]
    if processes.count == 1 or not trained:
        return
    used = torch.tensor([float(p.grad is not None) for p in trained], device=trained[0].device)
    parts = [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in trained]
    together = torch.cat([used, *parts])
    processes.add(together)
    found, *sums = torch.split(together, [len(trained), *(p.numel() for p in trained)])
    for parameter, is_used, total in zip(trained, found.tolist(), sums, strict=True):
        if is_used:
            parameter.grad = torch.empty_like(parameter).copy_(total.view_as(parameter))


class BatchNormStatistics:
    """Running statistics of batch norms over the micro-batches of a step.

    A batch norm sees one part at a time, so its batch statistics are those of a part. Each part starts from the running
    statistics that the step began with, and the step ends with their mean: the order of the parts does not matter.
    """

    def __init__(self, model: nn.Module) -> None:
        norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training]
        self._buffers = [b for norm in norms for b in norm.buffers()]
        self._sizes = [b.numel() for b in self._buffers]
        self._device = next(model.parameters()).device
        self._before = self._now()
        self._sum = torch.zeros_like(self._before)

    def end_micro_batch(self) -> None:
        """Add the statistics of the micro-batch to the sum, and restore the initial ones for the next."""
        self._sum += self._now()
        self._set(self._before)

    def end_step(self, parts: int, processes: Processes) -> None:
        """Set the statistics to the mean over all micro-batches of all processes."""
        processes.add(self._sum)
        self._set(self._sum / parts)

    def _now(self) -> Float[Tensor, n]:
        nothing = torch.zeros(0, device=self._device)
        return torch.cat([nothing, *(b.detach().float().flatten() for b in self._buffers)])

    def _set(self, values: Float[Tensor, n]) -> None:
        for buffer, part in zip(self._buffers, torch.split(values, self._sizes), strict=True):
            buffer.copy_(part.view_as(buffer) if buffer.is_floating_point() else part.round().view_as(buffer))

"""Weight changes from fine-tuning: the difference of two sets of weights, stored compactly.

A difference is kept as half-precision tensors by the names of the weights. One of low rank, as low-rank updates leave
it, is kept as two thin matrices, NAME.up and NAME.down, whose product it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.errors import CheckpointError

UP, DOWN = ".up", ".down"
SMALLEST = 1e-3  # of the largest singular value: half precision keeps no more


def difference(tuned: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `tuned` minus `base`; equal weights are left out."""
    changed: dict[str, Tensor] = {}
    for name, weight in base.items():
        if torch.equal(tuned[name].cpu().to(weight.dtype), weight):
            continue
        change = tuned[name].detach().cpu().float() - weight.float()
        changed |= _thin(name, change) or {name: change.half()}
    return {name: change.contiguous() for name, change in changed.items()}


def added(base: Mapping[str, Tensor], changes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the base with a `difference` added, in float32 where it changed.

    Raises:
        CheckpointError: A change has no place in the base.
    """
    weights = dict(base)
    for name, change in changes.items():
        if name.endswith(DOWN):
            continue
        key = name.removesuffix(UP)
        whole = change.float() @ changes[key + DOWN].float() if name.endswith(UP) else change.float()
        if key not in base or base[key].shape != whole.shape:
            raise CheckpointError(
                f"A change to {key}, {tuple(whole.shape)}, has no place in the weights it is meant for."
            )
        weights[key] = base[key].float() + whole
    return weights


def _thin(name: str, change: Float[Tensor, "*shape"]) -> dict[str, Tensor]:
    """Return a matrix as two thin factors where that is smaller, otherwise None."""
    if change.ndim != 2:
        return {}
    up, size, down = torch.linalg.svd(change, full_matrices=False)
    rank = int((size > SMALLEST * size[0]).sum())
    if rank * sum(change.shape) >= change.numel():
        return {}
    root = size[:rank].sqrt()
    return {name + UP: (up[:, :rank] * root).half(), name + DOWN: (root[:, None] * down[:rank]).half()}

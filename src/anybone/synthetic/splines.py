"""Smooth fields: cubic B-splines over a few control values, for illumination, field maps, warps and uneven tissue."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float

_REACH = 4  # control values that bear on one place


def control_positions(knots: int) -> Float[Tensor, " k"]:
    """Return the positions of control values on an axis from 0 to 1; the outermost are outside."""
    return (torch.arange(knots) - 1) / (knots - 3)


def weights(positions: Float[Tensor, "*n"], knots: int) -> Float[Tensor, "*n k"]:
    """Weight of each control value at positions 0..1; each row sums to 1."""
    away = (positions[..., None] * (knots - 3) + 1 - torch.arange(knots, device=positions.device)).abs()
    near = 2 / 3 - away**2 + away**3 / 2
    far = (2 - away).clamp_min(0) ** 3 / 6
    return torch.where(away < 1, near, far)


def field(
    control: Float[Tensor, "b c kz ky kx"], depth: Float[Tensor, "b s"], rows: int, columns: int
) -> Float[Tensor, "b c s h w"]:
    """Return the field of control values at every pixel of slices at `depth` 0..1 of the third axis."""
    device = control.device
    slices = torch.einsum("bckyx,bsk->bcsyx", control, weights(depth.to(device), control.shape[2]))
    down = weights((torch.arange(rows, device=device) + 0.5) / rows, control.shape[3])
    across = weights((torch.arange(columns, device=device) + 0.5) / columns, control.shape[4])
    return down @ slices @ across.T


def volume(control: Float[NDArray[np.float32], "ki kj kk"], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return the field of at least four control values per axis at the middles of that many voxels.

    The same to the last bit on every machine: no library multiplies matrices in an order of its own.
    """
    values = control
    for axis in (2, 1, 0):  # the last step, which is nearly all of the work, goes through memory in order
        along = (np.arange(shape[axis]) + 0.5) / shape[axis]
        table = weights(torch.from_numpy(along).float(), values.shape[axis]).numpy()
        first = np.clip((along * (values.shape[axis] - 3)).astype(int), 0, values.shape[axis] - _REACH)
        lines = np.ascontiguousarray(np.moveaxis(values, axis, 0))
        spread = np.zeros((shape[axis], *lines.shape[1:]), dtype=np.float32)
        for place, at in enumerate(first):
            for number in range(at, at + _REACH):
                spread[place] += table[place, number] * lines[number]
        values = np.moveaxis(spread, 0, axis)
    return values

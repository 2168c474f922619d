"""Pieces: how many slices are worked on at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

_CPU_PIXELS = 2**16  # their arrays stay in the cache of a core: several times faster than more at once
_GPU_PIXELS = 2**25  # kernels are long enough, and memory suffices


def pieces(count: int, shape: tuple[int, ...], device: torch.device) -> Iterator[tuple[Tensor, slice]]:
    """Numbers of images, and the range of their slices, that are worked on at once.

    Args:
        count: Images.
        shape: Slices, rows, columns of each.
        device: Where.
    """
    at_once = max(1, (_CPU_PIXELS if device.type == "cpu" else _GPU_PIXELS) // (shape[1] * shape[2]))
    images = max(1, at_once // shape[0])
    for first in range(0, count, images):
        for start in range(0, shape[0], at_once):
            yield torch.arange(first, min(first + images, count)), slice(start, min(start + at_once, shape[0]))

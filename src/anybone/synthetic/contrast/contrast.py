"""Contrast: the signal of every tissue and texture in every image of a batch, as one table."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from anybone.core.array_types import Bool, Float, Shaped
from anybone.synthetic.contrast.texture import CODES

SLOTS = 32
"""Tissues a table has room for: a power of two above the number of tissues."""


@dataclass(frozen=True)
class Contrast:
    """Signal of the tissues in each of b images.

    Attributes:
        table: complex64; water's signal is the real part, fat's the imaginary part, as they are before any failure of
            fat suppression. Entry [image, tissue, texture code].
        fat_left: Share of fat's signal that suppression leaves where the field is even; 1 without suppression.
        spectral: Suppression fails where the field is uneven.
        fat_phase_rad: Phase of fat against water at the time of the echo.
        shift_hz: Frequency of fat against water; 0 where their separation has undone the shift.
        metal: Extent of the void around metal, as a multiple of its own size; larger for gradient echoes.
        reference: A bright common tissue's signal, to which noise is scaled.
        names: Names for display: "pd-fs" or "mixture".
    """

    table: Shaped[Tensor, "b 32 256"]
    fat_left: Float[Tensor, " b"]
    spectral: Bool[Tensor, " b"]
    fat_phase_rad: Float[Tensor, " b"]
    shift_hz: Float[Tensor, " b"]
    metal: Float[Tensor, " b"]
    reference: Float[Tensor, " b"]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Tensor) -> Contrast:
        """Return the contrasts of some images, by index."""
        tensors = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "names"}
        return Contrast(**tensors, names=tuple(self.names[n] for n in index.tolist()))

    def to(self, device: torch.device | str) -> Contrast:
        """Return a copy on another device."""
        moved = {f.name: getattr(self, f.name).to(device) for f in fields(self) if f.name != "names"}
        return replace(self, **moved)


def joined(parts: list[Contrast], order: Tensor) -> Contrast:
    """Several batches as one; image n of the result is image `order[n]` of the parts, one after another."""
    tensors = {
        f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Contrast) if f.name != "names"
    }
    return Contrast(**tensors, names=tuple(name for part in parts for name in part.names))[order]


def empty_table(count: int) -> Shaped[Tensor, "b 32 256"]:
    """Return a table without any signal."""
    return torch.zeros(count, SLOTS, CODES, dtype=torch.complex64)

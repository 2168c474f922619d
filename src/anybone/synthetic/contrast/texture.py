"""Textures: the unevenness of tissues, as one periodic block of noise that every scan reads at a place of its own.

Each voxel of the block holds a coarse level (spots of a centimeter) and a fine level (grain of about a voxel), 16 of
each in one byte. A table of 256 entries a tissue then turns levels into signal, so that texture costs one look-up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from anybone.core.array_types import Float, Int
from anybone.synthetic.tissue import Tissue

Kind = Literal["grain", "septa", "streaks", "diffuse"]
KINDS: tuple[Kind, ...] = ("grain", "septa", "streaks", "diffuse")
DIFFUSE = KINDS.index("diffuse")

LEVELS = 16
CODES = LEVELS * LEVELS
BLOCK = 128
"""Voxels along each edge of the block; a power of two, so that indices wrap by masking bits."""

_SEED = 20240611
_SEEN = 17  # every so many voxels tell the levels apart as well as all would
_COARSE_VX = 7.0
# Deviation of the Gaussian of each kind's fine noise along i, j, k, in voxels: muscle fibers run along the body.
_FINE_VX: Mapping[Kind, tuple[float, float, float]] = {
    "grain": (0.75, 0.75, 0.75),
    "septa": (2.2, 2.2, 3.2),
    "streaks": (0.8, 0.8, 7.0),
    "diffuse": (0.9, 0.9, 0.9),
}


@dataclass(frozen=True)
class Texture:
    """Dependence of a tissue on the levels, which have mean 0 and standard deviation 1.

    Attributes:
        kind: Its fine noise: grain, thin walls between lobules ("septa"), or fibers ("streaks"); "diffuse" is grain
            of a tissue whose border with others of that kind, in the same bone, is gradual.
        coarse: Change of the logarithm of its density for each unit of the coarse level.
        fine: The same for the fine level.
        coarse_fat: Change of its share of fat for each unit of the coarse level.
        fine_fat: The same for the fine level.
        rare_fat: The same for each unit of the fine level above 1.2: strands of fat in muscle, walls in fat.
    """

    kind: Kind = "grain"
    coarse: float = 0.03
    fine: float = 0.03
    coarse_fat: float = 0.0
    fine_fat: float = 0.0
    rare_fat: float = 0.0


PLAIN = Texture()

TEXTURES: Mapping[Tissue, Texture] = MappingProxyType(
    {
        Tissue.FAT: Texture("septa", coarse=0.03, fine=0.02, rare_fat=-0.45),
        Tissue.MUSCLE: Texture("streaks", coarse=0.04, fine=0.035, coarse_fat=0.01, rare_fat=0.08),
        Tissue.TENDON: Texture("streaks", coarse=0.1, fine=0.12),
        Tissue.LIGAMENT: Texture("streaks", coarse=0.12, fine=0.15, rare_fat=0.15),
        Tissue.VESSEL: Texture(coarse=0.9, fine=0.05),  # fast flow leaves no signal, slow flow is bright
        Tissue.NERVE: Texture("streaks", fine=0.12, rare_fat=0.2),
        Tissue.CORTEX: Texture(coarse=0.2, fine=0.2),
        Tissue.YELLOW_MARROW: Texture("diffuse", coarse=0.04, fine=0.045, coarse_fat=-0.025, fine_fat=-0.01),
        Tissue.RED_MARROW: Texture("diffuse", coarse=0.04, fine=0.05, coarse_fat=-0.05, fine_fat=-0.02),
        Tissue.CARTILAGE: Texture(coarse=0.06, fine=0.04),
        Tissue.MENISCUS: Texture(coarse=0.15, fine=0.08),
        Tissue.DISC_NUCLEUS: Texture(coarse=0.12, fine=0.04),
        Tissue.EDEMA: Texture("diffuse", coarse=0.15, fine=0.05, coarse_fat=0.12),
        Tissue.LESION: Texture(coarse=0.2, fine=0.06),
        Tissue.BOWEL: Texture(coarse=0.35, fine=0.08, coarse_fat=0.05),
        Tissue.LUNG: Texture("streaks", coarse=0.3, fine=0.4),
        Tissue.ORGAN: Texture(coarse=0.12, fine=0.05),
        Tissue.BRAIN: Texture("septa", coarse=0.05, fine=0.08),
    }
)


def level_values() -> Float[Tensor, " 16"]:
    """Return the middle of each level: normal quantiles, so that all levels are equally frequent."""
    values: Tensor = torch.special.ndtri((torch.arange(LEVELS) + 0.5) / LEVELS)
    return values


@lru_cache(maxsize=4)
def noise_blocks(device: torch.device) -> Int[Tensor, " v"]:
    """Codes 16 * coarse + fine, uint8: for each of `KINDS` a block of `BLOCK` voxels an edge, one after another."""
    generator = torch.Generator().manual_seed(_SEED)
    coarse, blocks = _level(_smooth_noise((_COARSE_VX,) * 3, generator)) * LEVELS, []
    for kind in KINDS:
        fine = _smooth_noise(_FINE_VX[kind], generator)
        if kind == "septa":
            fine = -fine.abs()  # a smooth field is zero on thin sheets: those become the highest levels
        blocks.append(coarse + _level(fine))
    return torch.stack(blocks).to(torch.uint8).flatten().to(device)


def _smooth_noise(deviations_vx: tuple[float, float, float], generator: torch.Generator) -> Tensor:
    """Periodic Gaussian noise of a block."""
    spectrum = torch.fft.rfftn(torch.randn((BLOCK,) * 3, generator=generator))
    full, half = torch.fft.fftfreq(BLOCK), torch.fft.rfftfreq(BLOCK)
    for axis, (frequency, width) in enumerate(zip((full, full, half), deviations_vx, strict=True)):
        gain = torch.exp(-2 * (math.pi * width * frequency) ** 2)
        spectrum *= gain.reshape([-1 if a == axis else 1 for a in range(3)])
    noise: Tensor = torch.fft.irfftn(spectrum, s=(BLOCK,) * 3)
    return noise


def _level(field: Tensor) -> Tensor:
    """Level 0 to 15 of each voxel, each equally frequent."""
    ordered = field.flatten()[::_SEEN].sort().values
    edges = ordered[torch.arange(1, LEVELS) * (ordered.numel() // LEVELS)]
    return torch.bucketize(field, edges, out_int32=True)

"""Random contrast: each tissue gets clusters of brightness by chance, so that a network learns shapes, not sequences.

The idea is SynthSeg's (Billot et al., Med Image Anal 2023); here the clusters follow the coarse texture, whole tissues
may look alike, and what is dark in every sequence mostly stays dark.
"""

from __future__ import annotations

import torch
from torch import Tensor

from anybone.core.array_types import Float
from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast, empty_table
from anybone.synthetic.contrast.physics import reference_signal
from anybone.synthetic.contrast.relaxation import RELAXATION
from anybone.synthetic.contrast.texture import CODES, LEVELS, level_values
from anybone.synthetic.tissue import Tissue

_DARK = (Tissue.AIR, Tissue.BOWEL_GAS, Tissue.METAL)
_MOSTLY_DARK = (Tissue.CORTEX, Tissue.TENDON, Tissue.LUNG)
_MOSTLY_DARK_SHARE = 0.75
_ALIKE = 0.2  # share of tissues that take another one's brightness
_CLUSTERS = 4


def mixture(count: int, rng: BatchRng) -> Contrast:
    """Random contrasts of as many images."""
    mean = _means(count, rng)
    fine = level_values().repeat(CODES // LEVELS)
    grain = rng.log_uniform(0.003, 0.08, count, len(Tissue), 1) * fine
    signal = (mean[:, :, _cluster_of_code(rng)] * torch.exp(grain)).clamp_min(0)
    fatty = torch.tensor([RELAXATION[tissue].fat > 0.5 for tissue in Tissue])
    shifted = fatty & rng.chance(0.7, count, 1)  # fat still lies beside where it is, as on real images
    table = empty_table(count)
    table[:, : len(Tissue)] = torch.where(shifted[..., None], 1j * signal, signal + 0j)
    ones = torch.ones(count)
    return Contrast(
        table=table,
        fat_left=ones,
        spectral=torch.zeros(count, dtype=torch.bool),
        fat_phase_rad=0 * ones,
        shift_hz=rng.uniform(0, 450, count),
        metal=rng.uniform(0.5, 4, count),
        reference=reference_signal(table, ones),
        names=("mixture",) * count,
    )


def _means(count: int, rng: BatchRng) -> Float[Tensor, "b tissue cluster"]:
    """Brightness of each tissue's clusters, 0 to about 1."""
    tissues = len(Tissue)
    mean = rng.uniform(0.03, 1, count, tissues)
    other = rng.below(tissues, count, tissues)
    mean = torch.where(rng.chance(_ALIKE, count, tissues), mean.gather(1, other), mean)
    for tissue in _MOSTLY_DARK:
        dark = rng.uniform(0, 0.15, count)
        mean[:, tissue] = torch.where(rng.chance(_MOSTLY_DARK_SHARE, count), dark, mean[:, tissue])
    apart = rng.normal(1, count, tissues, _CLUSTERS) * rng.log_uniform(0.003, 0.12, count, tissues, 1)
    clusters = (mean[..., None] * (1 + apart) + 0.3 * apart).clamp_min(0)
    clusters[:, list(_DARK)] = 0
    return clusters


def _cluster_of_code(rng: BatchRng) -> Tensor:
    """Return the cluster of each code's coarse level: bands of levels, in random order and width."""
    edges = rng.below(LEVELS, _CLUSTERS - 1).sort().values
    bands = torch.searchsorted(edges, torch.arange(LEVELS))
    return torch.randperm(_CLUSTERS, generator=rng.generator)[bands].repeat_interleave(LEVELS)

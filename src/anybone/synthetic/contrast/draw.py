"""Contrasts for training: a mixture of the equations and of chance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast, joined
from anybone.synthetic.contrast.mixture import mixture
from anybone.synthetic.contrast.physics import physics
from anybone.synthetic.contrast.protocols import SEQUENCES
from anybone.synthetic.tissue import Tissue

_THIN_CORTEX = 0.45  # fraction of images whose cortex is thinner than a pixel, at least in part
_CLOSER = (0.3, 0.95)  # how far its signal then moves toward that of marrow


def draw_contrast(
    count: int, rng: BatchRng, mixture_share: float = 0.5, sequences: Sequence[str] = tuple(SEQUENCES)
) -> Contrast:
    """Contrasts of as many images: about `mixture_share` random, the others by the equations of `sequences`.

    How often a sequence comes is its protocol's `often`.
    """
    random = rng.chance(mixture_share, count)
    picks = rng.choice([SEQUENCES[name].often for name in sequences], count)
    named = [sequences[pick] for pick in picks[~random].tolist()]
    parts = [physics(named, rng)] if named else []
    if len(named) < count:
        parts.append(mixture(count - len(named), rng))
    place = torch.where(random, len(named) + random.cumsum(0), (~random).cumsum(0)) - 1
    contrast = joined(parts, place)
    _thin_cortex(contrast.table, rng)
    return contrast


def _thin_cortex(table: Tensor, rng: BatchRng) -> None:
    """Bring the cortex of some images closer to marrow, in place, as where it is thinner than a pixel."""
    count = len(table)
    weight = rng.uniform(*_CLOSER, count) * rng.chance(_THIN_CORTEX, count)
    yellow, red = table[:, Tissue.YELLOW_MARROW], table[:, Tissue.RED_MARROW]
    marrow = torch.where(rng.chance(0.5, count)[:, None], yellow, red)
    table[:, Tissue.CORTEX] = torch.lerp(table[:, Tissue.CORTEX], marrow, weight[:, None].to(table.dtype))

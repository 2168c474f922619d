"""Contrasts for training: a mixture of the equations and of chance."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast, joined
from anybone.synthetic.contrast.mixture import mixture
from anybone.synthetic.contrast.physics import physics
from anybone.synthetic.contrast.protocols import SEQUENCES


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
    return joined(parts, place)

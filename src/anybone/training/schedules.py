"""Learning-rate schedules after warmup."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

POLY_POWER = 0.9  # as in DeepLab (Chen et al. 2017) and nnU-Net (Isensee et al. 2021)
LEAST = 0.01  # of the highest rate, in the first step

# Factor of the learning rate by the share of the way from the end of the warm-up to the last step.
SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "cosine": lambda share: 0.5 * (1 + math.cos(math.pi * share)),
    "poly": lambda share: (1 - share) ** POLY_POWER,
}


def factor(schedule: str, share: float, warmup_fraction: float) -> float:
    """Return the factor of the learning rate at a fraction of the steps: linear warmup, then a key of `SCHEDULES`.

    It depends on nothing else, so a run that goes on has the rates that it would have had.
    """
    if share < warmup_fraction:
        return max(share / warmup_fraction, LEAST)
    return SCHEDULES[schedule]((share - warmup_fraction) / (1 - warmup_fraction))

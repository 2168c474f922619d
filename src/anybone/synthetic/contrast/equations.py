"""Signal equations: how bright a pool of protons is. Everything broadcasts; times in milliseconds."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def spin_echo(t1_ms: Tensor, t2_ms: Tensor, tr_ms: Tensor, te_ms: Tensor) -> Tensor:
    """Signal of one proton density after a 90 degree pulse and a refocused echo, single or in a train."""
    return (1 - torch.exp(-tr_ms / t1_ms)) * torch.exp(-te_ms / t2_ms)


def inversion_recovery(t1_ms: Tensor, t2_ms: Tensor, tr_ms: Tensor, te_ms: Tensor, ti_ms: Tensor) -> Tensor:
    """Signal of a spin echo `ti_ms` after an inversion; below zero where a pool has not yet come back."""
    return (1 - 2 * torch.exp(-ti_ms / t1_ms) + torch.exp(-tr_ms / t1_ms)) * torch.exp(-te_ms / t2_ms)


def gradient_echo(t1_ms: Tensor, t2star_ms: Tensor, tr_ms: Tensor, te_ms: Tensor, flip_rad: Tensor) -> Tensor:
    """Signal of a spoiled gradient echo in its steady state (the Ernst equation)."""
    recovered = torch.exp(-tr_ms / t1_ms)
    steady = torch.sin(flip_rad) * (1 - recovered) / (1 - torch.cos(flip_rad) * recovered)
    return steady * torch.exp(-te_ms / t2star_ms)


def null_time(t1_ms: Tensor, tr_ms: Tensor) -> Tensor:
    """Return the inversion time in ms at which a pool gives no signal, as STIR uses for fat."""
    return t1_ms * (math.log(2) - torch.log1p(torch.exp(-tr_ms / t1_ms)))

"""Dice and cross-entropy, as published, where the truth is known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.shapes import Bool, Float

SMOOTH = 16.0  # pixels added to both sides of the Dice ratio: keeps small and empty targets from ruling a batch


def mask_loss(
    logits: Float[Tensor, "b h w"], target: Bool[Tensor, "b h w"], known: Bool[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Dice loss plus binary cross-entropy, averaged over the batch; unknown pixels have no gradient."""
    truth, weight = target.float(), known.float()
    probability = logits.sigmoid() * weight
    truth_known = truth * weight
    overlap = (probability * truth_known).sum((1, 2))
    dice = (2 * overlap + SMOOTH) / (probability.sum((1, 2)) + truth_known.sum((1, 2)) + SMOOTH)
    entropy = (F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weight).sum((1, 2))
    entropy = entropy / weight.sum((1, 2)).clamp(min=1)
    return ((1 - dice) + entropy).mean()


@torch.no_grad()
def intersection_over_union(
    logits: Float[Tensor, "b h w"], target: Bool[Tensor, "b h w"], known: Bool[Tensor, "b h w"]
) -> Float[Tensor, b]:
    """IoU of each thresholded image where the truth is known; 1 where both are empty."""
    found, truth = (logits > 0) & known, target & known
    union = (found | truth).sum((1, 2))
    return torch.where(union > 0, (found & truth).sum((1, 2)) / union.clamp(min=1), 1.0)

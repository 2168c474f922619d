"""Segmentation losses on pixels with known labels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float

SMOOTH = 16.0  # pixels added to both sides of the Dice ratio: keeps small and empty targets from ruling a batch
BAND_PX = 5  # width of the band along the truth's border in which the boundary term counts


def mask_loss(
    logits: Float[Tensor, "b h w"],
    target: Bool[Tensor, "b h w"],
    known: Bool[Tensor, "b h w"],
    *,
    focal_gamma: float = 0.0,
    boundary_weight: float = 0.0,
    click_weight: float = 0.0,
    focus: Float[Tensor, "b h w"] | None = None,
) -> Float[Tensor, ""]:
    """Return Dice loss plus binary cross-entropy, averaged over the batch; unknown pixels have no gradient.

    Args:
        logits: Logits of bone.
        target: The truth.
        known: Mask of pixels with known labels.
        focal_gamma: Exponent that plays down what is right already (Lin et al. 2017); 0: every pixel counts the same.
        boundary_weight: Weight of a further cross-entropy along the border of the truth alone.
        click_weight: Weight of a further cross-entropy where the focus is.
        focus: Closeness of each pixel to the latest click, 0 to 1.
    """
    truth, weight = target.float(), known.float()
    probability = logits.sigmoid() * weight
    truth_known = truth * weight
    overlap = (probability * truth_known).sum((1, 2))
    dice = (2 * overlap + SMOOTH) / (probability.sum((1, 2)) + truth_known.sum((1, 2)) + SMOOTH)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    if focal_gamma:
        entropy = entropy * (1 - torch.exp(-entropy)) ** focal_gamma
    loss = (1 - dice) + _mean(entropy, weight)
    if boundary_weight:
        loss = loss + boundary_weight * _mean(entropy, weight * _band(truth))
    if focus is not None:
        loss = loss + click_weight * _mean(entropy, weight * focus)
    return loss.mean()


def _mean(values: Float[Tensor, "b h w"], weight: Float[Tensor, "b h w"]) -> Float[Tensor, b]:
    return (values * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1)


def _band(truth: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    share = F.avg_pool2d(truth, BAND_PX, 1, BAND_PX // 2, count_include_pad=False)
    return ((share > 0) & (share < 1)).float()


@torch.no_grad()
def intersection_over_union(
    logits: Float[Tensor, "b h w"], target: Bool[Tensor, "b h w"], known: Bool[Tensor, "b h w"]
) -> Float[Tensor, b]:
    """Return the IoU of each thresholded image on known pixels; 1 where both are empty."""
    found, truth = (logits > 0) & known, target & known
    union = (found | truth).sum((1, 2))
    return torch.where(union > 0, (found & truth).sum((1, 2)) / union.clamp(min=1), 1.0)

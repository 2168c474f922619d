"""Propagation: a mask on one slice -> the same bone on the next one, until it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.inference.decoding import BONE_CHANNEL
from anybone.inference.slicing import MASK_STRIDE
from anybone.interactive.click_enforcement import around, touching
from anybone.models.network import Network


@dataclass(frozen=True)
class StopRule:
    """When a bone is taken to have ended between one slice and the next.

    Attributes:
        min_overlap: Share of the smaller of both masks that they must have in common; a bone seldom jumps aside.
        max_growth: Largest ratio of their areas, either way; a leak into muscle grows at once.
        min_pixels: Smallest mask, in pixels of the decoder's grid.
        min_belief: Least `belief` that the mask is bone: beyond a bone's end masks go on in whatever resembles it.
        kept_belief: Share of the belief where it begins that is enough where that is less than `min_belief`: a bone
            that the network believes in nowhere can be followed too.
    """

    min_overlap: float = 0.3
    max_growth: float = 3.0
    min_pixels: int = 3
    min_belief: float = 0.4
    kept_belief: float = 0.7


def next_slice(
    network: Network,
    embedding: Float[Tensor, "1 c h w"],
    previous: Float[Tensor, "1 1 h4 w4"],
    stop: StopRule,
    least_belief: float = 0.0,
) -> Float[Tensor, "1 1 h4 w4"] | None:
    """Logits of the same bone on the neighboring slice, or None where it has ended.

    The previous mask goes in as mask prompt together with a positive point in each of its pieces, at its most inner
    pixel; pieces of the answer that do not touch the previous mask are left out, so that one bone stays one bone.

    Args:
        network: What answers.
        embedding: Of the neighboring slice.
        previous: Logits of the slice before.
        stop: When a bone is taken to have ended.
        least_belief: From `belief_to_keep`; 0 follows without belief.
    """
    answer, quality = _followed(network, embedding, previous)
    before = (previous[0, 0] > 0).cpu().numpy()
    after = _same(answer[0, 0].float().cpu().numpy(), before)
    if least_belief > 0:
        after = _believed(after, _alone(network, embedding), quality, least_belief)
    if not _goes_on(before, after, stop):
        return None
    return torch.where(torch.from_numpy(after).to(answer.device), answer, answer.clamp(max=-1.0))


def belief_to_keep(
    network: Network, embedding: Float[Tensor, "1 c h w"], start: Float[Tensor, "1 1 h4 w4"], stop: StopRule
) -> float:
    """The least belief with which a bone is followed from the slice of that embedding, on which it has these logits."""
    quality = _followed(network, embedding, start)[1]
    there = belief((start[0, 0] > 0).cpu().numpy(), _alone(network, embedding), quality)
    return min(stop.min_belief, stop.kept_belief * there)


def belief(mask: NDArray[np.bool_], alone: NDArray[np.float32], quality: float) -> float:
    """How far a network believes that a mask is bone, 0..1.

    Half of it is the overlap that it expects with what was asked, half what it takes for bone there by itself, without
    any prompt.

    Args:
        mask: On the decoder's grid.
        alone: Probability of bone without any prompt.
        quality: The overlap that is expected.
    """
    return (quality + float(alone[mask].mean())) / 2 if mask.any() else 0.0


def _alone(network: Network, embedding: Float[Tensor, "1 c h w"]) -> NDArray[np.float32]:
    probability = network.decode(embedding)[0][0, BONE_CHANNEL].float().sigmoid()
    return np.asarray(probability.cpu().numpy())


def _believed(mask: NDArray[np.bool_], alone: NDArray[np.float32], quality: float, least: float) -> NDArray[np.bool_]:
    """The pieces of a mask in which the network believes enough: of several bones each ends where it ends."""
    from scipy import ndimage

    pieces, count = ndimage.label(mask, structure=np.ones((3, 3)))
    kept = [n for n in range(1, count + 1) if belief(pieces == n, alone, quality) >= least]
    return np.isin(pieces, kept)


def _followed(
    network: Network, embedding: Float[Tensor, "1 c h w"], previous: Float[Tensor, "1 1 h4 w4"]
) -> tuple[Float[Tensor, "1 1 h4 w4"], float]:
    """Logits of what a mask shows, on a slice near its own, and the overlap that the network expects."""
    points = torch.from_numpy(_inner_points((previous[0, 0] > 0).cpu().numpy()))[None].to(embedding.device)
    logits, quality = network.decode(
        embedding,
        points_xy=points,
        point_labels=torch.ones(points.shape[:2], dtype=torch.int64, device=embedding.device),
        mask_logits=previous,
    )
    return logits[:, BONE_CHANNEL : BONE_CHANNEL + 1], float(quality[0, BONE_CHANNEL])


def _same(logits: NDArray[np.float32], before: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where the bones of a mask are on the next slice: around the inner pixel of each, or else whatever touches."""
    found = np.zeros_like(before)
    for row, column in ((_inner_points(before)[:, ::-1] + 0.5) / MASK_STRIDE).astype(int).tolist():
        cell = np.zeros_like(before)
        cell[row, column] = True
        found |= around(logits, cell, 0.0)
    return found if found.any() else touching(logits > 0, before)


def _goes_on(before: np.ndarray, after: np.ndarray, stop: StopRule) -> bool:
    small, large = sorted((int(before.sum()), int(after.sum())))
    if small < stop.min_pixels or large > stop.max_growth * small:
        return False
    return int((before & after).sum()) >= stop.min_overlap * small


def _inner_points(mask: np.ndarray) -> np.ndarray:
    """Input pixels (x, y), float32 "n 2", of the most inner pixel of each piece of a mask on the decoder's grid."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    rows_columns = np.array(ndimage.maximum_position(depth, labels, range(1, count + 1)), dtype=np.float32)
    return (rows_columns.reshape(-1, 2)[:, ::-1] + 0.5) * MASK_STRIDE - 0.5

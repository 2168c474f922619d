"""Propagation: a mask on one slice -> the same bone on the next one, until it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anybone.engine.decode import BONE_CHANNEL
from anybone.engine.network import Network
from anybone.engine.slicing import MASK_STRIDE
from anybone.shapes import Float


@dataclass(frozen=True)
class StopRule:
    """When a bone is taken to have ended between one slice and the next.

    Attributes:
        min_overlap: Share of the smaller of both masks that they must have in common; a bone seldom jumps aside.
        max_growth: Largest ratio of their areas, either way; a leak into muscle grows at once.
        min_pixels: Smallest mask, in pixels of the decoder's grid.
    """

    min_overlap: float = 0.3
    max_growth: float = 3.0
    min_pixels: int = 3


def next_slice(
    network: Network, embedding: Float[Tensor, "1 c h w"], previous: Float[Tensor, "1 1 h4 w4"], stop: StopRule
) -> Float[Tensor, "1 1 h4 w4"] | None:
    """Logits of the same bone on the neighbouring slice, or None where it has ended.

    The previous mask goes in as mask prompt together with a positive point in each of its pieces, at its most inner
    pixel; pieces of the answer that do not touch the previous mask are left out, so that one bone stays one bone.
    """
    before = (previous[0, 0] > 0).cpu().numpy()
    points = torch.from_numpy(_inner_points(before))[None].to(embedding.device)
    logits, _ = network.decode(
        embedding,
        points_xy=points,
        point_labels=torch.ones(points.shape[:2], dtype=torch.int64, device=embedding.device),
        mask_logits=previous,
    )
    answer = logits[:, BONE_CHANNEL : BONE_CHANNEL + 1]
    after = _touching((answer[0, 0] > 0).cpu().numpy(), before)
    if not _goes_on(before, after, stop):
        return None
    return torch.where(torch.from_numpy(after).to(answer.device), answer, answer.clamp(max=-1.0))


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


def _touching(mask: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The pieces of a mask that share a pixel with another mask."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask)
    return np.isin(labels, np.setdiff1d(labels[other], 0))

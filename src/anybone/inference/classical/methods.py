"""Methods without trained weights, behind the interface of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.inference.classical.cortex import Mask, compute_features
from anybone.inference.classical.prompted import Place, Prompts, segment
from anybone.inference.slicing import MASK_STRIDE
from anybone.models.image_normalization import IMAGENET_MEAN, IMAGENET_STD
from anybone.models.network import Network

_LOGIT_PER_PX, _LOGIT_LIMIT = 1.5, 8.0  # distance to the border as logit: enlarged, it gives a smooth border


class ClassicalBaseline(Network):
    """Detect marrow within dark cortex, slice by slice; see `inference.classical.cortex`.

    Args:
        image_size: Side of the input frame in pixels; detection runs on a grid four times coarser.
    """

    def __init__(self, image_size: int = 1024) -> None:
        super().__init__()
        self._image_size = image_size

    @property
    def image_size(self) -> int:
        """Side of the input frame in pixels."""
        return self._image_size

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h4 w4"]:
        """Return the gray image, 0..1, on the grid of the masks."""
        mean, std = (torch.tensor(v).to(images)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
        gray = (images * std + mean).mean(dim=1, keepdim=True)
        return F.avg_pool2d(gray, MASK_STRIDE).clamp(0, 1)

    def decode(
        self,
        embedding: Float[Tensor, "b 1 h4 w4"],
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_logits: Tensor | None = None,
    ) -> tuple[Float[Tensor, "b 2 h4 w4"], Float[Tensor, "b 2"]]:
        """Return logits (channel 1 is bone, above 0) and the mean score of the bones; without prompts: all bone.

        A positive point selects the bone beneath it, a box the bone that fills it, a mask the bones it outlines; then
        nothing else is bone. A negative point removes the bone beneath it.

        Args:
            embedding: From `encode`.
            points_xy: `b n 2`, pixels of the input frame.
            point_labels: `b n`: 1 bone, 0 background, -1 padding.
            boxes_xyxy: `b m 4`; `m 4` is taken as all boxes of one image.
            mask_logits: `b 1 h4 w4`.
        """
        if boxes_xyxy is not None and boxes_xyxy.ndim == 2:
            boxes_xyxy = boxes_xyxy[None]
        given = (points_xy, point_labels, boxes_xyxy, mask_logits)
        logits, quality = [], []
        for n, gray in enumerate(embedding[:, 0].float().cpu().numpy()):
            points, labels, boxes, hint = (None if t is None else t[n].detach().cpu().numpy() for t in given)
            mask, score = segment(compute_features(gray), _prompts(points, labels, boxes, hint, gray.shape))
            logits.append(torch.from_numpy(_logits(mask)))
            quality.append(score)
        bone = torch.stack(logits).to(embedding)
        return torch.stack([-bone, bone], dim=1), torch.tensor(quality).to(embedding)[:, None].repeat(1, 2)


BASELINES: Mapping[str, Callable[[], Network]] = {"classical": ClassicalBaseline}


def _prompts(
    points_xy: NDArray[Any] | None,
    labels: NDArray[Any] | None,
    boxes_xyxy: NDArray[Any] | None,
    hint: NDArray[Any] | None,
    shape: tuple[int, ...],
) -> Prompts:
    """Convert one image's prompts to the masks' grid."""

    def place(x: float, y: float) -> Place:
        """Return the pixel of the masks' grid that contains a position in the input frame, clipped to the grid."""
        row, column = (int((v + 0.5) // MASK_STRIDE) for v in (y, x))
        return min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)

    points = [] if points_xy is None or labels is None else list(zip(points_xy.tolist(), labels.tolist(), strict=True))
    boxes = [] if boxes_xyxy is None else boxes_xyxy.tolist()
    return Prompts(
        keep=[place(*xy) for xy, label in points if label == 1],
        drop=[place(*xy) for xy, label in points if label == 0],
        boxes=[(place(x0, y0), place(x1, y1)) for x0, y0, x1, y1 in boxes],
        mask=None if hint is None else hint[0] > 0,
    )


def _logits(mask: Mask) -> NDArray[np.float32]:
    """Return the distance to the mask's border in pixels, positive inside, as logits."""
    from scipy import ndimage

    if not mask.any():
        return np.full(mask.shape, -_LOGIT_LIMIT, dtype=np.float32)
    outside, inside = (ndimage.distance_transform_edt(np.pad(m, 1)) for m in (~mask, mask))
    signed = (np.maximum(inside - 0.5, 0) - np.maximum(outside - 0.5, 0))[1:-1, 1:-1]
    return np.asarray((signed * _LOGIT_PER_PX).clip(-_LOGIT_LIMIT, _LOGIT_LIMIT), dtype=np.float32)

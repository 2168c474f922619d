"""A network that needs no weights, whose answers a reader can foresee."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.inference.segmenter import Segmenter
from anybone.models.network import Network

MEAN, STD = 0.485, 0.229  # of ImageNet's red channel


class Bright(Network):
    """Bone is what is brighter than one half; points choose between its pieces."""

    image_size = 256  # four pixels a voxel below, so that its masks are exact

    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def encode(self, images):
        self.encoded += len(images)
        return F.avg_pool2d(images[:, :1] * STD + MEAN, 4)

    def decode(self, embedding, points_xy=None, point_labels=None, boxes_xyxy=None, mask_logits=None):
        from scipy import ndimage

        bone = embedding[0, 0].numpy() > 0.5
        if points_xy is not None:
            pieces, _ = ndimage.label(bone)
            xy = ((points_xy[0] + 0.5) / 4).floor().long()
            asked = {int(pieces[y, x]) for (x, y), on in zip(xy, point_labels[0], strict=True) if on == 1}
            bone = np.isin(pieces, sorted(asked - {0}))
        if boxes_xyxy is not None:
            inside = np.zeros_like(bone)
            for x0, y0, x1, y1 in (boxes_xyxy[0] / 4).round().long().tolist():
                inside[y0:y1, x0:x1] = True
            bone &= inside
        logits = torch.from_numpy(np.where(bone, 4.0, -4.0).astype(np.float32))
        return logits.expand(1, 2, -1, -1), torch.tensor([[0.1, 0.9]])


@pytest.fixture
def network() -> Bright:
    return Bright()


@pytest.fixture
def segmenter(network) -> Segmenter:
    return Segmenter(network, name="bright")


@pytest.fixture
def volume() -> Volume:
    """Two bright bars along the last axis in a 64 x 64 x 6 volume of 1 x 1 x 3 mm; the last slice is dark."""
    data = np.full((64, 64, 6), 0.2, dtype=np.float32)
    data[8:24, 8:24, :5] = 1
    data[40:56, 32:48, :5] = 1
    data[:, :, 5] = 0.0
    return Volume(data, Geometry((64, 64, 6), np.diag([1.0, 1.0, 3.0, 1.0])))

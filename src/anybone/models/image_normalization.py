"""What every network here expects of its images; training and engine share it."""

from __future__ import annotations

import torch
from torch import Tensor

from anybone.core.array_types import Float

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def to_network(gray: Float[Tensor, "b h w"]) -> Float[Tensor, "b 3 h w"]:
    """Gray images in 0..1 as three channels with ImageNet's mean and deviation."""
    mean, std = (torch.tensor(v, device=gray.device)[None, :, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (gray[:, None] - mean) / std

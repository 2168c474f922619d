"""Image normalization that every network here expects, in training and in inference."""

from __future__ import annotations

from torch import Tensor

from anybone.core.array_types import Float

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def to_network(gray: Float[Tensor, "b h w"]) -> Float[Tensor, "b 3 h w"]:
    """Normalize gray images in 0..1 with ImageNet's mean and standard deviation, repeated over three channels.

    The constants take the images' precision, so float64 images are normalized in float64.
    """
    mean, std = (gray.new_tensor(v)[None, :, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (gray[:, None] - mean) / std

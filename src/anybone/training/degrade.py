"""Grain: what resolution, noise, and processing make of images, in torch, a whole batch at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float

_KERNEL_PX = 4  # reach of the Gaussian of blur and unsharp mask


def degrade(images: Float[Tensor, "b h w"], probability: float, rng: torch.Generator) -> Float[Tensor, "b h w"]:
    """Return images in 0..1 with other sharpness, noise, tone, window and gray levels.

    Args:
        images: Of any tissue; air stays dark.
        probability: That an image is changed at all; which changes it gets is drawn for each image alone.
        rng: Of the draws.
    """
    n = len(images)

    def uniform(low: float, high: float) -> Float[Tensor, "b 1 1"]:
        return low + (high - low) * torch.rand(n, 1, 1, generator=rng, device=rng.device)

    def happens(probability: float) -> Bool[Tensor, "b 1 1"]:
        return torch.rand(n, 1, 1, generator=rng, device=rng.device) < probability

    x = torch.where(happens(0.35), images ** torch.exp(uniform(-0.7, 0.7)), images)
    x = torch.where(happens(0.25), _blurred(x, uniform(0.4, 1.4)), x)
    level = torch.exp(uniform(-5.3, -2.9))  # .005 to .055 of the range
    noise = level * torch.randn(x.shape, generator=rng, device=rng.device)
    beside = level * torch.randn(x.shape, generator=rng, device=rng.device)
    x = torch.where(happens(0.5), ((x + noise) ** 2 + beside**2).sqrt(), x)
    x = torch.where(happens(0.15), _blurred(x, uniform(0.3, 0.8)), x)  # noise that was interpolated or filtered
    x = torch.where(happens(0.3), x + uniform(0.3, 1.5) * (x - _blurred(x, uniform(0.6, 1.4))), x)
    low, high = uniform(0, 0.06), uniform(0.7, 1.05)
    x = torch.where(happens(0.3), (x - low) / (high - low), x)
    x = torch.where(happens(0.2), (x * 63).round() / 63, x)
    return torch.where(happens(probability), x.clamp(0, 1), images)


def _blurred(x: Float[Tensor, "b h w"], sigma_px: Float[Tensor, "b 1 1"]) -> Float[Tensor, "b h w"]:
    """Return images smoothed by Gaussians, each of a width of its own."""
    place = torch.arange(-_KERNEL_PX, _KERNEL_PX + 1, device=x.device)
    kernel = torch.exp(-0.5 * (place / sigma_px[:, 0]) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    padded = F.pad(x[None], (_KERNEL_PX,) * 4, mode="replicate")
    down = F.conv2d(padded, kernel[:, None, :, None], groups=len(x))
    return F.conv2d(down, kernel[:, None, None, :], groups=len(x))[0]

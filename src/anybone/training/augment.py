"""Augmentation of images and their bones together, in torch, a whole batch at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float, Int
from anybone.training.config import Augmentation
from anybone.training.lesions import add_lesions


def augment(
    images: Int[Tensor, "b h w"], bones: Int[Tensor, "b h w"], size: int, a: Augmentation, rng: torch.Generator
) -> tuple[Float[Tensor, "b size size"], Int[Tensor, "b size size"]]:
    """Return augmented images in 0..1 and their bones, `size` pixels per side; the outside is background."""
    return _read(images, bones, _grid(len(images), size, a, rng), a, rng)


def augment_attended(
    images: Int[Tensor, "b h w"],
    bones: Int[Tensor, "b h w"],
    attention: Float[Tensor, "b h2 w2"],
    size: int,
    a: Augmentation,
    rng: torch.Generator,
) -> tuple[Float[Tensor, "b size size"], Int[Tensor, "b size size"], Float[Tensor, "b size size"]]:
    """Augment as `augment` does, with attention maps moved along with the pixels."""
    grid = _grid(len(images), size, a, rng)
    maps = F.grid_sample(attention[:, None], grid, mode="bilinear", align_corners=False)[:, 0]
    return *_read(images, bones, grid, a, rng), maps


def _read(
    images: Int[Tensor, "b h w"],
    bones: Int[Tensor, "b h w"],
    grid: Float[Tensor, "b size size 2"],
    a: Augmentation,
    rng: torch.Generator,
) -> tuple[Float[Tensor, "b size size"], Int[Tensor, "b size size"]]:
    """Images and bones at the places of a grid, the images with another contrast."""
    gray = F.grid_sample(images[:, None].float() / 255, grid, mode="bilinear", align_corners=False)[:, 0]
    moved = F.grid_sample(bones[:, None].float(), grid, mode="nearest", align_corners=False)[:, 0]
    bones = moved.round().long()
    return _contrast(add_lesions(gray, bones, a.lesion, rng), a, rng), bones


def plain(
    images: Int[Tensor, "b h w"], bones: Int[Tensor, "b h w"], size: int
) -> tuple[Float[Tensor, "b size size"], Int[Tensor, "b size size"]]:
    """Images and bones only resized, for validation."""
    gray = F.interpolate(images[:, None].float() / 255, size=(size, size), mode="bilinear", antialias=True)[:, 0]
    return gray, F.interpolate(bones[:, None].float(), size=(size, size), mode="nearest-exact")[:, 0].long()


def uniform(n: int, low: float, high: float, rng: torch.Generator) -> Float[Tensor, " n"]:
    """Numbers between two bounds."""
    return torch.rand(n, generator=rng, device=rng.device) * (high - low) + low


def happens(n: int, probability: float, rng: torch.Generator) -> Bool[Tensor, " n"]:
    """Draw booleans that are true with a given probability."""
    return torch.rand(n, generator=rng, device=rng.device) < probability


def _grid(n: int, size: int, a: Augmentation, rng: torch.Generator) -> Float[Tensor, "b size size 2"]:
    turn = uniform(n, -a.turn_degrees, a.turn_degrees, rng) * math.pi / 180
    quarters = torch.randint(1, 4, (n,), generator=rng, device=rng.device) * happens(n, a.quarter_turns, rng)
    turn = turn + quarters * (math.pi / 2)
    zoom, stretch = uniform(n, *a.zoom, rng), 1 + uniform(n, -a.stretch, a.stretch, rng)
    mirror = torch.where(happens(n, a.flip, rng), -1.0, 1.0)
    theta = torch.zeros(n, 2, 3, device=rng.device)
    theta[:, 0, 0], theta[:, 0, 1] = turn.cos() * zoom * stretch * mirror, -turn.sin() * zoom
    theta[:, 1, 0], theta[:, 1, 1] = turn.sin() * zoom * mirror, turn.cos() * zoom / stretch
    theta[:, :, 2] = torch.rand(n, 2, generator=rng, device=rng.device) * (2 * a.shift) - a.shift
    coarse = (torch.rand(n, 2, 6, 6, generator=rng, device=rng.device) * 2 - 1) * a.warp
    warp = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return F.affine_grid(theta, [n, 1, size, size], align_corners=False) + warp


def _contrast(x: Float[Tensor, "b h w"], a: Augmentation, rng: torch.Generator) -> Float[Tensor, "b h w"]:
    n, size = len(x), x.shape[1:]
    each = (n, 1, 1)
    x = x ** uniform(n, *a.gamma, rng).view(each)
    x = torch.where(happens(n, a.curve, rng).view(each), gray_curve(x, rng), x)
    x = torch.where(happens(n, a.network, rng).view(each), random_network(x, rng), x)
    tissue = (x > 0.04).float()  # air stays dark when tissues are inverted
    x = torch.where(happens(n, a.invert, rng).view(each), (1 - x) * tissue, x)
    coarse = torch.rand(n, 1, 4, 4, generator=rng, device=rng.device) * 2 - 1
    field = F.interpolate(coarse, size=size, mode="bicubic", align_corners=True)[:, 0]
    x = x * (1 + a.bias * torch.rand(each, generator=rng, device=rng.device) * field)
    small = F.avg_pool2d(x[:, None], 2)
    blurred = F.interpolate(small, size=size, mode="bilinear", align_corners=False)[:, 0]
    x = torch.where(happens(n, a.blur, rng).view(each), blurred, x)
    shift = int(torch.randint(8, size[0] // 2, (1,), generator=rng, device=rng.device))
    ghost = torch.rand(each, generator=rng, device=rng.device) * 0.2
    x = torch.where(happens(n, a.ghost, rng).view(each), x + ghost * x.roll(shift, 1), x)
    noise = uniform(n, 0, a.noise, rng).view(each)
    real = x + noise * torch.randn(x.shape, generator=rng, device=rng.device)
    x = (real**2 + (noise * torch.randn(x.shape, generator=rng, device=rng.device)) ** 2).sqrt()
    return x.clamp(0, 1)


def random_network(
    x: Float[Tensor, "b h w"], rng: torch.Generator, layers: int = 3, hidden: int = 2
) -> Float[Tensor, "b h w"]:
    """Each image mixed with the answer of a network of its own, as bright as the image is, in 0..1."""
    n, h, w = x.shape
    y, channels = x.view(1, n, h, w), 1
    for layer in range(layers):
        out = 1 if layer == layers - 1 else hidden
        side = 1 + 2 * int(torch.randint(2, (1,), generator=rng, device=rng.device))
        kernels = torch.randn(n * out, channels, side, side, generator=rng, device=rng.device)
        y = F.conv2d(y, kernels, padding=side // 2, groups=n)
        y, channels = F.leaky_relu(y) if layer < layers - 1 else y, out
    share = torch.rand(n, 1, 1, generator=rng, device=rng.device)
    mixed = share * _as_bright(y[0], x) + (1 - share) * x
    mixed = mixed - mixed.flatten(1).min(1).values.view(n, 1, 1)
    return mixed / mixed.flatten(1).max(1).values.clamp(min=1e-6).view(n, 1, 1)


def _as_bright(y: Float[Tensor, "b h w"], x: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """Images with the root mean square of others."""
    rms = [t.square().mean((1, 2), keepdim=True).sqrt() for t in (x, y)]
    return y * rms[0] / rms[1].clamp(min=1e-6)


def gray_curve(x: Float[Tensor, "b h w"], rng: torch.Generator, knots: int = 6) -> Float[Tensor, "b h w"]:
    """Gray values through a random piecewise-linear curve that keeps black black."""
    values = torch.rand(len(x), knots, generator=rng, device=rng.device)
    values[:, 0] = 0
    place = x.clamp(0, 1) * (knots - 1)
    left = place.floor().clamp(max=knots - 2).long()
    low = values.gather(1, left.flatten(1)).view_as(x)
    high = values.gather(1, left.flatten(1) + 1).view_as(x)
    return low + (high - low) * (place - left)

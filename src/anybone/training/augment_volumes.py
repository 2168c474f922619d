"""Augmentation of whole volumes "rows columns slices" and their bones together, in torch, a whole batch at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float, Int
from anybone.training.augment import gray_curve, happens, random_network, uniform
from anybone.training.config import Augmentation

OTHER_PLANE = 0.15  # share of volumes whose slices are stacked along another axis: thin slices can be cut anywhere
TILT_DEGREES = 6.0  # of slices against the volume, since few stacks lie exactly along the body
ZOOM_THROUGH = (0.6, 1.15)  # slices shown against all there are; in the plane, it is as for slices
THICK = (2, 5)  # cells that a thick slice may average


def augment_volumes(
    images: Float[Tensor, "b n n n"], bones: Int[Tensor, "b n n n"], cells: int, a: Augmentation, rng: torch.Generator
) -> tuple[Float[Tensor, "b cells cells cells"], Int[Tensor, "b cells cells cells"]]:
    """Return augmented volumes in 0..1 and their bones on `cells` per axis; the outside is background."""
    images, bones = reorient(images, bones, rng)
    grid = F.affine_grid(_placed(len(images), a, rng), [len(images), 1, cells, cells, cells], align_corners=False)
    gray = F.grid_sample(images[:, None], grid, mode="bilinear", align_corners=False)[:, 0]
    moved = F.grid_sample(bones[:, None].float(), grid, mode="nearest", align_corners=False)[:, 0]
    return change_contrast(gray, a, rng), moved.round().long()


def reorient(
    images: Float[Tensor, "b n n n"], bones: Int[Tensor, "b n n n"], rng: torch.Generator
) -> tuple[Float[Tensor, "b n n n"], Int[Tensor, "b n n n"]]:
    """Return volumes and bones with rows and columns exchanged and axes flipped, each half of the time."""
    pairs = torch.stack([images, bones.to(images.dtype)], 1)
    turned = [_reoriented(pair, rng) for pair in pairs]
    both = torch.stack(turned)
    return both[:, 0], both[:, 1].round().long()


def _reoriented(pair: Float[Tensor, "2 n n n"], rng: torch.Generator) -> Float[Tensor, "2 n n n"]:
    other_plane, exchanged, *backwards = torch.rand(5, generator=rng, device=rng.device).tolist()
    if other_plane < OTHER_PLANE:
        pair = pair.permute(0, *(1 + torch.randperm(3, generator=rng, device=rng.device)).tolist())
    elif exchanged < 0.5:
        pair = pair.transpose(1, 2)
    return pair.flip([axis + 1 for axis, draw in enumerate(backwards) if draw < 0.5])


def _placed(n: int, a: Augmentation, rng: torch.Generator) -> Float[Tensor, "b 3 4"]:
    """Return sampling transforms for `affine_grid`: rotated and stretched in the plane, tilted slightly."""
    turn = uniform(n, -a.turn_degrees, a.turn_degrees, rng) * math.pi / 180
    zoom, stretch = uniform(n, *a.zoom, rng), 1 + uniform(n, -a.stretch, a.stretch, rng)
    placed = torch.zeros(n, 3, 4, device=rng.device)  # slices, columns, rows: the order of grid_sample
    placed[:, 1, 1], placed[:, 1, 2] = turn.cos() * zoom * stretch, -turn.sin() * zoom
    placed[:, 2, 1], placed[:, 2, 2] = turn.sin() * zoom, turn.cos() * zoom / stretch
    share = min(1.0, a.turn_degrees / 45)
    tilt = math.tan(TILT_DEGREES * share * math.pi / 180)
    placed[:, 0, 0] = 1 + share * (uniform(n, *ZOOM_THROUGH, rng) - 1)
    placed[:, 0, 1:3] = torch.stack([uniform(n, -tilt, tilt, rng) for _ in range(2)], 1)
    placed[:, :, 3] = torch.stack([uniform(n, -a.shift, a.shift, rng) for _ in range(3)], 1)
    return placed


def change_contrast(x: Float[Tensor, "b d h w"], a: Augmentation, rng: torch.Generator) -> Float[Tensor, "b d h w"]:
    """Volumes of other gray values, brightness, resolution and noise; each volume changes as a whole."""
    n, shape, each = len(x), x.shape, (len(x), 1, 1, 1)
    flat = x.flatten(2)  # what changes gray values alone takes a volume as one image
    flat = flat ** uniform(n, *a.gamma, rng).view(n, 1, 1)
    flat = torch.where(happens(n, a.curve, rng).view(n, 1, 1), gray_curve(flat, rng), flat)
    flat = torch.where(happens(n, a.network, rng).view(n, 1, 1), random_network(flat, rng), flat)
    tissue = (flat > 0.04).float()  # air stays dark when tissues are inverted
    flat = torch.where(happens(n, a.invert, rng).view(n, 1, 1), (1 - flat) * tissue, flat)
    x = flat.view(shape)
    coarse = torch.rand(n, 1, 4, 4, 4, generator=rng, device=rng.device) * 2 - 1
    field = F.interpolate(coarse, size=shape[1:], mode="trilinear", align_corners=True)[:, 0]
    x = x * (1 + a.bias * torch.rand(each, generator=rng, device=rng.device) * field)
    x = torch.where(happens(n, a.blur, rng).view(each), _thick_slices(x, rng), x)
    noise = uniform(n, 0, a.noise, rng).view(each)
    real = x + noise * torch.randn(shape, generator=rng, device=rng.device)
    x = (real**2 + (noise * torch.randn(shape, generator=rng, device=rng.device)) ** 2).sqrt()
    return x.clamp(0, 1)


def _thick_slices(x: Float[Tensor, "b d h w"], rng: torch.Generator) -> Float[Tensor, "b d h w"]:
    """Volumes of fewer, thicker slices."""
    thick = int(torch.randint(THICK[0], THICK[1] + 1, (1,), generator=rng, device=rng.device))
    thinned = F.avg_pool3d(x[:, None], (1, 1, thick), ceil_mode=True, count_include_pad=False)
    return F.interpolate(thinned, size=x.shape[1:], mode="trilinear", align_corners=False)[:, 0]

"""Lesion augmentation: round bright structures that are not bone, such as tumors, cysts, filled bowel."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float, Int
from anybone.training import region_sampling

RADIUS = (0.03, 0.16)  # of the frame's side
ELONGATION = 2.0
LOBES = 4  # waves around the outline
LOBE_DEPTH = 0.35
EDGE = 0.12  # of the radius: masses have no cortex, their edge is soft
BODY = 0.06  # gray value above which there is tissue


def add_lesions(
    images: Float[Tensor, "b h w"], bones: Int[Tensor, "b h w"], probability: float, rng: torch.Generator
) -> Float[Tensor, "b h w"]:
    """Return the images, some with a lesion of random shape and gray in their soft tissue, never over bone."""
    free = (bones == 0) & (images > BODY)
    center, found = region_sampling.best(torch.where(free, region_sampling.uniform(images, rng), -1.0))
    wanted = (torch.rand(len(images), generator=rng, device=rng.device) < probability) & found
    inside = _blobs(center, images.shape[1:], rng) * (wanted[:, None, None] & (bones == 0))
    return images + inside * (_tissue(images, rng) - images)


def _blobs(center_xy: Float[Tensor, "b 2"], shape: torch.Size, rng: torch.Generator) -> Float[Tensor, "b h w"]:
    """1 inside a lobed ellipse around each center, 0 outside."""
    n, (h, w) = len(center_xy), shape
    draw = torch.rand(n, 4 + 2 * LOBES, 1, 1, generator=rng, device=rng.device)
    radius = max(h, w) * (RADIUS[0] + (RADIUS[1] - RADIUS[0]) * draw[:, 0] ** 2)  # small ones more often
    turn, long = math.pi * draw[:, 1], 1 + (ELONGATION - 1) * draw[:, 2]
    x = torch.arange(w, device=rng.device) - center_xy[:, 0, None, None]
    y = torch.arange(h, device=rng.device)[:, None] - center_xy[:, 1, None, None]
    along, across = (x * turn.cos() + y * turn.sin()) / long, (y * turn.cos() - x * turn.sin()) * long
    angle = torch.atan2(across, along)
    outline = torch.ones_like(angle)
    for k in range(LOBES):
        depth, phase = draw[:, 4 + 2 * k] * LOBE_DEPTH / (k + 1), 2 * math.pi * draw[:, 5 + 2 * k]
        outline = outline + depth * torch.cos((k + 1) * angle + phase)
    return torch.sigmoid((outline - torch.hypot(along, across) / radius) / EDGE * 2)


def _tissue(images: Float[Tensor, "b h w"], rng: torch.Generator) -> Float[Tensor, "b h w"]:
    """Return a gray value for each image with coarse and fine texture, in 0..1."""
    n, h, w = images.shape
    tissue = torch.rand(n, 1, 1, generator=rng, device=rng.device).expand(n, h, w)
    for cells in (6, 24, h // 2):
        grain = torch.randn(n, 1, cells, cells, generator=rng, device=rng.device)
        grain = F.interpolate(grain, size=(h, w), mode="bilinear", align_corners=False)[:, 0]
        tissue = tissue + 0.2 * torch.rand(n, 1, 1, generator=rng, device=rng.device) * grain
    return tissue.clamp(0, 1)

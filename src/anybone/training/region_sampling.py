"""Sampling of bones, points and boxes in a batch of slices, for all images and bones at once, on any device.

Bones are numbered 1..254 in each image, 0 is background and IGNORE not known; "256" is the axis of these numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float, Int, Shaped
from anybone.training.cache import IGNORE

NUMBERS = 256


def uniform(like: Shaped[Tensor, "*n"], rng: torch.Generator) -> Float[Tensor, "*n"]:
    """Return random numbers in 0..1."""
    return torch.rand(like.shape, generator=rng, device=rng.device)


def choose(bones: Int[Tensor, "b h w"], count: Int[Tensor, b], rng: torch.Generator) -> Bool[Tensor, "b 256"]:
    """Choose random bones of each image: `count` of them, or all where there are fewer."""
    present = torch.zeros(len(bones), NUMBERS, device=bones.device)
    present = present.scatter(1, bones.flatten(1), 1.0)
    present[:, 0] = present[:, IGNORE] = 0
    drawn = present * (uniform(present, rng) + 1e-6)
    rank = drawn.argsort(1, descending=True).argsort(1)
    return (drawn > 0) & (rank < count[:, None])


def select_mask(bones: Int[Tensor, "b h w"], chosen: Bool[Tensor, "b 256"]) -> Bool[Tensor, "b h w"]:
    """Return the pixels of the chosen bones."""
    return chosen.gather(1, bones.flatten(1)).view(bones.shape)


def first(chosen: Bool[Tensor, "b 256"], count: int, rng: torch.Generator) -> Int[Tensor, "b count"]:
    """Return numbers of chosen bones, repeated where an image has fewer than `count`; 0 where it has none."""
    order = (chosen * (uniform(chosen, rng) + 1e-6)).argsort(1, descending=True)
    present = chosen.sum(1, keepdim=True).clamp(min=1)
    numbers = order.gather(1, torch.arange(count, device=chosen.device) % present)
    return torch.where(chosen.any(1, keepdim=True), numbers, 0)


def best_in_each(bones: Int[Tensor, "b h w"], score: Float[Tensor, "b h w"]) -> Float[Tensor, "b 256 2"]:
    """Return the pixel (x, y) of highest score in each bone; (0, 0) for numbers that do not occur."""
    numbers, flat = bones.flatten(1), score.flatten(1)
    highest = torch.zeros(len(bones), NUMBERS, device=bones.device).scatter_reduce(1, numbers, flat, "amax")
    index = torch.arange(flat.shape[1], device=bones.device).expand_as(numbers)
    at_highest = torch.where(flat == highest.gather(1, numbers), index, 0)
    pixel = torch.zeros(len(bones), NUMBERS, dtype=torch.long, device=bones.device)
    return _xy(pixel.scatter_reduce(1, numbers, at_highest, "amax"), bones.shape[-1])


def best(score: Float[Tensor, "b h w"]) -> tuple[Float[Tensor, "b 2"], Bool[Tensor, b]]:
    """Return the pixel (x, y) of highest score in each image, and whether the score is not negative."""
    highest, index = score.flatten(1).max(1)
    return _xy(index, score.shape[-1]), highest >= 0


def boxes(bones: Int[Tensor, "b h w"], numbers: Int[Tensor, "b m"]) -> Float[Tensor, "b m 4"]:
    """Return tight boxes xyxy around bones, at outer pixel edges; around the background for number 0."""
    b, h, w = bones.shape
    flat = bones.flatten(1)
    columns = torch.arange(w, device=bones.device).expand(b, h, w).flatten(1).float()
    rows = torch.arange(h, device=bones.device)[:, None].expand(b, h, w).flatten(1).float()
    nothing = torch.zeros(b, NUMBERS, device=bones.device)
    edges = [
        nothing.scatter_reduce(1, flat, values, how, include_self=False)
        for values, how in ((columns, "amin"), (rows, "amin"), (columns, "amax"), (rows, "amax"))
    ]
    each = torch.stack(edges, 2) + torch.tensor([-0.5, -0.5, 0.5, 0.5], device=bones.device)
    return each.gather(1, numbers[..., None].expand(-1, -1, 4))


def at(mask: Bool[Tensor, "b h w"], points_xy: Float[Tensor, "b n 2"]) -> Bool[Tensor, "b n"]:
    """Return the mask's value at the pixel nearest to each point."""
    x, y = points_xy.round().long().clamp(min=0).unbind(2)
    index = y.clamp(max=mask.shape[1] - 1) * mask.shape[2] + x.clamp(max=mask.shape[2] - 1)
    return mask.flatten(1).gather(1, index)


def interior_score(mask: Bool[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """Return the depth inside a mask, 0 to 1: highest in the middle of structures up to about 20 pixels wide."""
    half = F.avg_pool2d(mask[:, None].float(), 2)  # large windows are slow on a CPU: they are taken at half the size
    blurred = F.avg_pool2d(F.avg_pool2d(half, 5, 1, 2), 5, 1, 2)
    return F.interpolate(blurred, size=mask.shape[1:], mode="bilinear", align_corners=False)[:, 0]


def near(mask: Bool[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """Return 1 on a mask and up to about ten pixels around it, 0 elsewhere."""
    coarse = F.max_pool2d(F.max_pool2d(mask[:, None].float(), 4, ceil_mode=True), 5, 1, 2)
    return F.interpolate(coarse, size=mask.shape[1:], mode="nearest")[:, 0]


def _xy(index: Int[Tensor, "*n"], width: int) -> Float[Tensor, "*n 2"]:
    return torch.stack([index % width, index // width], -1).float()

"""Prompts as a person would give them: on some bones, beside others, and on what an answer got wrong."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from anybone.shapes import Bool, Float, Int
from anybone.training.cache import IGNORE


@dataclass(frozen=True)
class Prompted:
    """Points for a batch and what they ask for.

    Attributes:
        points_xy: Pixels of the input frame.
        labels: 1 bone, 0 not, -1 padding.
        target: What the points ask for.
    """

    points_xy: Float[Tensor, "b n 2"]
    labels: Int[Tensor, "b n"]
    target: Bool[Tensor, "b h w"]


def draw_prompts(
    bones: Int[Tensor, "b h w"], max_points: int, component_share: float, rng: torch.Generator
) -> Prompted:
    """Points on randomly chosen bones, and sometimes beside them.

    A share of the images asks for the bones that are pointed at; the others ask for all bone, with points anywhere on
    it. Images without bone get a point on something else.
    """
    points = torch.zeros(len(bones), max_points, 2)
    labels = torch.full((len(bones), max_points), -1, dtype=torch.long)
    target = torch.zeros(bones.shape, dtype=torch.bool)
    for i, image in enumerate(bones):
        present = [int(c) for c in torch.unique(image) if 0 < c < IGNORE]
        count = int(torch.randint(1, max_points + 1, (1,), generator=rng))
        places = []
        if present and torch.rand(1, generator=rng) < component_share:
            chosen = [present[j] for j in torch.randperm(len(present), generator=rng)[: max(1, count - 1)].tolist()]
            target[i] = torch.isin(image, torch.tensor(chosen))
            places = [(image == c, 1) for c in chosen]
        elif present:
            target[i] = (image > 0) & (image < IGNORE)
            places = [(target[i], 1)] * max(1, count - 1)
        others = (image != IGNORE) & ~target[i]
        if len(places) < count and others.any():
            rivals = others & (image > 0)
            places.append((rivals if rivals.any() and torch.rand(1, generator=rng) < 0.5 else others, 0))
        for j, (where, label) in enumerate(places[:max_points]):
            points[i, j] = _pick(where, rng)
            labels[i, j] = label
    return Prompted(points, labels, target)


def correct(
    prompted: Prompted, answer: Bool[Tensor, "b h w"], known: Bool[Tensor, "b h w"], rng: torch.Generator
) -> Prompted:
    """The same request with one more point an image, in what the answer got wrong."""
    wrong = (answer != prompted.target) & known
    points = torch.zeros(len(answer), 1, 2)
    labels = torch.full((len(answer), 1), -1, dtype=torch.long)
    for i in range(len(answer)):
        if wrong[i].any():
            points[i, 0] = _pick(wrong[i], rng)
            x, y = (int(v) for v in points[i, 0])
            labels[i, 0] = int(prompted.target[i, y, x])
    return Prompted(
        torch.cat([prompted.points_xy, points], 1), torch.cat([prompted.labels, labels], 1), prompted.target
    )


def _pick(where: Bool[Tensor, "h w"], rng: torch.Generator) -> Float[Tensor, 2]:
    """A random pixel (x, y) of a mask."""
    chosen = where.nonzero()
    y, x = chosen[int(torch.randint(len(chosen), (1,), generator=rng))].tolist()
    return torch.tensor([float(x), float(y)])

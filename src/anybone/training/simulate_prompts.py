"""Prompts as a person would give them: on some bones, beside others, around one, and on what an answer got wrong.

What prompts mean is the same here and in a session: points and boxes alone ask for the bones they lie on; a point
given on top of an earlier answer corrects that answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from anybone.shapes import Bool, Float, Int
from anybone.training.cache import IGNORE

BOX_SLACK = 0.12  # how far a hand-drawn box misses its bone, as a share of its sides


@dataclass(frozen=True)
class Prompted:
    """Prompts for a batch and what they ask for.

    Attributes:
        points_xy: Pixels of the input frame.
        labels: 1 bone, 0 not, -1 padding.
        boxes_xyxy: One box an image, or None.
        target: What the prompts ask for.
    """

    points_xy: Float[Tensor, "b n 2"]
    labels: Int[Tensor, "b n"]
    boxes_xyxy: Float[Tensor, "b 1 4"] | None
    target: Bool[Tensor, "b h w"]


def no_prompts(target: Bool[Tensor, "b h w"]) -> Prompted:
    """A request without prompts, for which the automatic answer is corrected."""
    return Prompted(*_nothing(len(target)), None, target)


def draw_points(bones: Int[Tensor, "b h w"], max_points: int, rng: torch.Generator) -> Prompted:
    """One point on each of some randomly chosen bones, and sometimes one beside them.

    Images without bone get a point on something else.
    """
    points = torch.zeros(len(bones), max_points, 2)
    labels = torch.full((len(bones), max_points), -1, dtype=torch.long)
    target = torch.zeros(bones.shape, dtype=torch.bool)
    for i, image in enumerate(bones):
        count = int(torch.randint(1, max_points + 1, (1,), generator=rng))
        chosen = _choose_bones(image, max(1, count - 1), rng)
        target[i] = torch.isin(image, torch.tensor(chosen))
        places = [(image == number, 1) for number in chosen]
        others = (image != IGNORE) & ~target[i]
        if len(places) < count and others.any():
            rivals = others & (image > 0)
            places.append((rivals if rivals.any() and torch.rand(1, generator=rng) < 0.5 else others, 0))
        for j, (where, label) in enumerate(places):
            points[i, j] = _pick(where, rng)
            labels[i, j] = label
    return Prompted(points, labels, None, target)


def draw_boxes(bones: Int[Tensor, "b h w"], rng: torch.Generator) -> Prompted:
    """A loose box around one bone of each image; around nothing where there is no bone."""
    size = bones.shape[-1]
    boxes = torch.zeros(len(bones), 1, 4)
    target = torch.zeros(bones.shape, dtype=torch.bool)
    for i, image in enumerate(bones):
        chosen = _choose_bones(image, 1, rng)
        if chosen:
            target[i] = image == chosen[0]
            rows, columns = target[i].nonzero().unbind(1)
            tight = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
            slack = BOX_SLACK * (tight[2:] - tight[:2]).repeat(2)
            boxes[i, 0] = (tight - 0.5 + (torch.rand(4, generator=rng) * 2 - 1) * slack).clamp(-0.5, size - 0.5)
        else:
            corners = torch.rand(2, 2, generator=rng).sort(0).values * size
            boxes[i, 0] = corners.flatten()
    return Prompted(*_nothing(len(bones)), boxes, target)


def correct(
    prompted: Prompted, answer: Bool[Tensor, "b h w"], known: Bool[Tensor, "b h w"], rng: torch.Generator
) -> Prompted:
    """The same request with one more point an image, in what the answer got wrong."""
    wrong = (answer != prompted.target) & known
    points, labels = torch.zeros(len(answer), 1, 2), torch.full((len(answer), 1), -1, dtype=torch.long)
    for i in range(len(answer)):
        if wrong[i].any():
            points[i, 0] = _pick(wrong[i], rng)
            x, y = (int(v) for v in points[i, 0])
            labels[i, 0] = int(prompted.target[i, y, x])
    together = torch.cat([prompted.points_xy, points], 1), torch.cat([prompted.labels, labels], 1)
    return Prompted(*together, prompted.boxes_xyxy, prompted.target)


def _nothing(batch: int) -> tuple[Tensor, Tensor]:
    return torch.zeros(batch, 0, 2), torch.zeros(batch, 0, dtype=torch.long)


def _choose_bones(image: Int[Tensor, "h w"], count: int, rng: torch.Generator) -> list[int]:
    """The numbers of up to `count` bones of an image, chosen at random."""
    present = [number for number in torch.unique(image).tolist() if 0 < number < IGNORE]
    return [present[j] for j in torch.randperm(len(present), generator=rng)[:count].tolist()]


def _pick(where: Bool[Tensor, "h w"], rng: torch.Generator) -> Float[Tensor, 2]:
    """A random pixel (x, y) of a mask."""
    chosen = where.nonzero()
    y, x = chosen[int(torch.randint(len(chosen), (1,), generator=rng))].tolist()
    return torch.tensor([float(x), float(y)])

"""Prompts as a person would give them, drawn for a whole batch at once on any device.

What prompts mean is the same here and in a session: points, boxes, scribbles and masks ask for the bones they lie on; a
point given on top of an earlier answer corrects that answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float, Int
from anybone.training import region_sampling
from anybone.training.cache import IGNORE

MOST_POINTS = 12  # bones that one drawn prompt points at
ONE_SHARE, ALL_SHARE = 0.5, 0.15  # prompts that point at one bone alone, and at every one; the others at some
JITTER_PX = 1.0  # standard deviation of where a hand's click lands
BOX_SLACK = 0.12  # how far a hand-drawn box misses its bone, as a share of its sides
MOST_BOXES = 3
SCRIBBLE_POINTS = 8
SCRIBBLED_BONES = 2
MASK_STRIDE = 4  # input pixels per pixel of a mask prompt
SURE_LOGIT = 8.0  # of a mask drawn by hand, as the engine gives it
MASK_SHIFT = 0.06  # how far a rough mask lies beside its bone, in half frames
FOCUS_PX = 12.0  # how far around a corrective click its effect is looked at: one standard deviation
MIDDLE_SHARE = 0.5  # corrections that are clicked in the middle of the largest error; the others anywhere in it


@dataclass(frozen=True)
class Prompted:
    """Prompts for a batch and what they ask for.

    Attributes:
        points_xy: Pixels of the input frame.
        labels: 1 bone, 0 not, -1 padding.
        boxes_xyxy: Boxes, equally many for each image, or None.
        mask_logits: A rough mask, or None.
        target: Mask that the prompts request.
    """

    points_xy: Float[Tensor, "b n 2"]
    labels: Int[Tensor, "b n"]
    boxes_xyxy: Float[Tensor, "b m 4"] | None
    mask_logits: Float[Tensor, "b 1 h4 w4"] | None
    target: Bool[Tensor, "b h w"]


def no_prompts(target: Bool[Tensor, "b h w"]) -> Prompted:
    """Return an empty prompt, with all bone as target."""
    return Prompted(
        torch.zeros(len(target), 0, 2, device=target.device),
        torch.zeros(len(target), 0, dtype=torch.long, device=target.device),
        None,
        None,
        target,
    )


def draw_points(bones: Int[Tensor, "b h w"], rng: torch.Generator) -> Prompted:
    """Draw a point on each of some bones, and up to two negative ones; images without bone get only the latter."""
    chosen = region_sampling.choose(bones, _count(len(bones), rng), rng)
    target = region_sampling.select_mask(bones, chosen)
    on, on_labels = _points_on(bones, chosen, MOST_POINTS, rng)
    away, away_labels = _points_beside(bones, target, rng)
    return Prompted(torch.cat([on, away], 1), torch.cat([on_labels, away_labels], 1), None, None, target)


def draw_boxes(bones: Int[Tensor, "b h w"], rng: torch.Generator) -> Prompted:
    """Loose boxes around bones; in images without bone, one around nothing."""
    count = int(torch.randint(1, MOST_BOXES + 1, (1,), generator=rng, device=rng.device))
    chosen = region_sampling.choose(bones, torch.full((len(bones),), count, device=bones.device), rng)
    tight = region_sampling.boxes(bones, region_sampling.first(chosen, count, rng))
    slack = BOX_SLACK * (tight[..., 2:] - tight[..., :2]).repeat(1, 1, 2)
    loose = tight + (region_sampling.uniform(tight, rng) * 2 - 1) * slack
    anywhere = region_sampling.uniform(tight, rng) * bones.shape[-1]
    anywhere = anywhere.view(len(bones), count, 2, 2).sort(2).values.flatten(2)
    boxes = torch.where(chosen.any(1)[:, None, None], loose, anywhere).clamp(-0.5, bones.shape[-1] - 0.5)
    return replace(no_prompts(region_sampling.select_mask(bones, chosen)), boxes_xyxy=boxes)


def draw_scribbles(bones: Int[Tensor, "b h w"], rng: torch.Generator) -> Prompted:
    """Lines on one or two bones, where they lie on the bone; images without bone get points beside bone."""
    count = torch.randint(1, SCRIBBLED_BONES + 1, (len(bones),), generator=rng, device=rng.device)
    chosen = region_sampling.choose(bones, count, rng)
    target = region_sampling.select_mask(bones, chosen)
    start, labels = _points_on(bones, chosen, SCRIBBLED_BONES, rng)
    end, _ = _points_on(bones, chosen, SCRIBBLED_BONES, rng)  # the same bones in the same order
    along = torch.linspace(0, 1, SCRIBBLE_POINTS, device=bones.device)[:, None]
    points = (start[:, :, None] + (end - start)[:, :, None] * along).flatten(1, 2)
    labels = labels.repeat_interleave(SCRIBBLE_POINTS, 1)
    labels = torch.where(region_sampling.at(target, points), labels, -1)
    away, away_labels = _points_beside(bones, target, rng)
    away_labels = torch.where(chosen.any(1, keepdim=True), -1, away_labels)
    return replace(
        no_prompts(target), points_xy=torch.cat([points, away], 1), labels=torch.cat([labels, away_labels], 1)
    )


def draw_mask(bones: Int[Tensor, "b h w"], rng: torch.Generator) -> Prompted:
    """Draw a rough mask of some bones: shifted, grown or shrunk, as from a sketch or the adjacent slice."""
    chosen = region_sampling.choose(bones, _count(len(bones), rng), rng)
    target = region_sampling.select_mask(bones, chosen)
    return replace(no_prompts(target), mask_logits=_rough(target, rng))


def draw_mixed(bones: Int[Tensor, "b h w"], rng: torch.Generator) -> Prompted:
    """Points together with a rough mask of the same bones, or with a box around one."""
    if float(torch.rand(1, generator=rng, device=rng.device)) < 0.5:
        pointed = draw_points(bones, rng)
        return replace(pointed, mask_logits=_rough(pointed.target, rng))
    chosen = region_sampling.choose(bones, torch.ones(len(bones), dtype=torch.long, device=bones.device), rng)
    target = region_sampling.select_mask(bones, chosen)
    points, labels = _points_on(bones, chosen, 1, rng)
    away, away_labels = _points_beside(bones, target, rng)
    boxes = region_sampling.boxes(bones, region_sampling.first(chosen, 1, rng)).clamp(-0.5, bones.shape[-1] - 0.5)
    return Prompted(torch.cat([points, away], 1), torch.cat([labels, away_labels], 1), boxes, None, target)


# The kinds of prompts; `TrainingConfig.prompts` says how often each is drawn.
PROMPTS: Mapping[str, Callable[[Int[Tensor, "b h w"], torch.Generator], Prompted]] = {
    "points": draw_points,
    "boxes": draw_boxes,
    "scribbles": draw_scribbles,
    "mask": draw_mask,
    "mixed": draw_mixed,
}


def correct(
    prompted: Prompted, answer: Bool[Tensor, "b h w"], known: Bool[Tensor, "b h w"], rng: torch.Generator
) -> Prompted:
    """Add one point per image in an error of the mask; padding where there is no error."""
    wrong = (answer != prompted.target) & known
    score = region_sampling.uniform(wrong, rng)
    if float(torch.rand(1, generator=rng, device=rng.device)) < MIDDLE_SHARE:
        score = region_sampling.interior_score(wrong) + 1e-3 * score
    points, found = region_sampling.best(torch.where(wrong, score, -1.0))
    labels = torch.where(found, region_sampling.at(prompted.target, points[:, None])[:, 0].long(), -1)
    return replace(
        prompted,
        points_xy=torch.cat([prompted.points_xy, points[:, None]], 1),
        labels=torch.cat([prompted.labels, labels[:, None]], 1),
    )


def around_click(corrected: Prompted) -> Float[Tensor, "b h w"]:
    """1 at the click that `correct` gave last and less away from it; 0 where it gave none.

    What was right there counts as much as what was wrong: else a network learns to spill over around clicks.
    """
    down, right = (torch.arange(n, device=corrected.target.device).float() for n in corrected.target.shape[1:])
    x, y = corrected.points_xy[:, -1, :, None].unbind(1)
    near = torch.exp(
        -((down - y) ** 2)[:, :, None] / (2 * FOCUS_PX**2) - ((right - x) ** 2)[:, None] / (2 * FOCUS_PX**2)
    )
    return near * (corrected.labels[:, -1] >= 0)[:, None, None]


def _count(batch: int, rng: torch.Generator) -> Int[Tensor, b]:
    """For each image, how many bones are asked for: one, some, or all that can be pointed at."""
    kind = torch.rand(batch, generator=rng, device=rng.device)
    some = torch.randint(2, MOST_POINTS, (batch,), generator=rng, device=rng.device)
    return torch.where(kind < ALL_SHARE, MOST_POINTS, torch.where(kind > 1 - ONE_SHARE, 1, some))


def _points_on(
    bones: Int[Tensor, "b h w"], chosen: Bool[Tensor, "b 256"], most: int, rng: torch.Generator
) -> tuple[Float[Tensor, "b n 2"], Int[Tensor, "b n"]]:
    """Draw a point on each chosen bone, more often in its interior; the order is that of the bones."""
    inner = region_sampling.interior_score((bones > 0) & (bones != IGNORE))
    points = region_sampling.best_in_each(bones, region_sampling.uniform(bones, rng) * (0.05 + inner))
    order = chosen.float().sort(dim=1, descending=True, stable=True).indices[:, :most]
    labels = torch.where(chosen.gather(1, order), 1, -1)
    picked = points.gather(1, order[..., None].expand(-1, -1, 2))
    return picked + JITTER_PX * torch.randn(picked.shape, generator=rng, device=rng.device), labels


def _points_beside(
    bones: Int[Tensor, "b h w"], target: Bool[Tensor, "b h w"], rng: torch.Generator
) -> tuple[Float[Tensor, "b 2 2"], Int[Tensor, "b 2"]]:
    """Draw a point on another bone, near the target or anywhere, in half of the images; always without bone."""
    others = (bones != IGNORE) & ~target
    weight = torch.where(bones > 0, 1.0, 0.3) + region_sampling.near(target)
    first, found = region_sampling.best(torch.where(others, region_sampling.uniform(bones, rng) * weight, -1.0))
    second, _ = region_sampling.best(torch.where(others, region_sampling.uniform(bones, rng), -1.0))
    given = torch.rand(len(bones), 2, generator=rng, device=rng.device) < 0.5
    given[:, 0] |= ~target.flatten(1).any(1)
    return torch.stack([first, second], 1), torch.where(given & found[:, None], 0, -1)


def _rough(target: Bool[Tensor, "b h w"], rng: torch.Generator) -> Float[Tensor, "b 1 h4 w4"]:
    b, h, w = target.shape
    theta = torch.eye(2, 3, device=target.device).repeat(b, 1, 1)
    noise = torch.rand(b, 2, 3, generator=rng, device=rng.device) * 2 - 1
    theta = theta + noise * torch.tensor([0.08, 0.08, MASK_SHIFT], device=target.device)
    grid = F.affine_grid(theta, [b, 1, h // MASK_STRIDE, w // MASK_STRIDE], align_corners=False)
    moved = F.grid_sample(target[:, None].float(), grid, align_corners=False)
    soft = F.avg_pool2d(moved, 3, 1, 1)
    level = 0.2 + 0.6 * torch.rand(b, 1, 1, 1, generator=rng, device=rng.device)  # grown or shrunk
    sure = SURE_LOGIT * torch.where(torch.rand(b, 1, 1, 1, generator=rng, device=rng.device) < 0.5, 1.0, 0.5)
    return torch.where(soft > level, sure, -sure)

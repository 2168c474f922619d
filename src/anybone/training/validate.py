"""Validation: Dice by patient, automatically and after one click a bone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float, Int
from anybone.models.image_normalization import to_network
from anybone.models.network import Network
from anybone.training.augment import plain
from anybone.training.cache import IGNORE, AttendedCache, Cache
from anybone.training.step import ASKED

PICTURED = 6  # slices in the picture


@torch.inference_mode()
def validate(model: Network, cache: Cache, picture: Path | None = None) -> dict[str, float]:
    """Mean Dice over patients, by region: "spine automatic", "spine click", ... and of each patient.

    A patient's Dice pools all cached slices where the truth is known. "click" gives one point in each bone.
    """
    counts: dict[str, Tensor] = defaultdict(lambda: torch.zeros(2, 2, dtype=torch.float64))
    pictured = torch.linspace(0, len(cache.patients) - 1, PICTURED).long().tolist()
    tiles = []
    device = next(model.parameters()).device
    for i, patient in enumerate(cache.patients):
        one = slice(i, i + 1)
        image, bones = plain(cache.images[one].to(device), cache.bones[one].to(device), model.image_size)
        known, truth = bones != IGNORE, (bones > 0) & (bones < IGNORE)
        embedding = model.encode(to_network(image))
        if isinstance(cache, AttendedCache):
            embedding = model.fuse(embedding, cache.attention[one].to(device))
        automatic = asked_mask(model.decode(embedding)[0], image.shape[1:])
        points = _centers(bones)
        clicked = automatic
        if len(points):
            labels = torch.ones(1, len(points), dtype=torch.long, device=device)
            clicked = asked_mask(model.decode(embedding, points[None], labels)[0], image.shape[1:])
        counts[patient] += torch.stack([overlap(m, truth, known) for m in (automatic, clicked)]).cpu()
        if picture is not None and i in pictured:
            tiles.append(torch.cat([_outline(image, truth), _outline(image, automatic), _outline(image, clicked)], 1))
    if picture is not None:
        _save(torch.cat(tiles, 2), picture)
    return _summary(counts)


def _summary(counts: dict[str, Tensor]) -> dict[str, float]:
    scores: dict[str, float] = {}
    by_region: dict[str, list[list[float]]] = defaultdict(list)
    for patient, ((a, b), (c, d)) in counts.items():
        dice = [float(a / b) if b else 1.0, float(c / d) if d else 1.0]
        by_region[patient.split("/")[0]].append(dice)
        scores[f"{patient} automatic"], scores[f"{patient} click"] = dice
    for region, dices in sorted(by_region.items()):
        mean = torch.tensor(dices).mean(0)
        scores[f"{region} automatic"], scores[f"{region} click"] = (round(float(x), 4) for x in mean)
    return scores


def asked_mask(logits: Float[Tensor, "b 2 h4 w4"], shape: Sequence[int]) -> Bool[Tensor, "b h w"]:
    """Return the mask that prompts request, at an image's height and width."""
    asked = logits[:, ASKED : ASKED + 1]
    return F.interpolate(asked, size=tuple(shape), mode="bilinear", align_corners=False)[:, 0] > 0


def overlap(found: Bool[Tensor, "1 h w"], truth: Bool[Tensor, "1 h w"], known: Bool[Tensor, "1 h w"]) -> Tensor:
    """Twice the common pixels, and the sum of both, where the truth is known."""
    found, truth = found & known, truth & known
    return torch.stack([2 * (found & truth).sum(), found.sum() + truth.sum()]).double()


def _centers(bones: Int[Tensor, "1 h w"]) -> Float[Tensor, "n 2"]:
    """For each bone its pixel (x, y) that is nearest to its center of gravity."""
    centers = []
    for number in torch.unique(bones).tolist():
        if 0 < number < IGNORE:
            pixels = (bones[0] == number).nonzero().float()
            nearest = ((pixels - pixels.mean(0)) ** 2).sum(1).argmin()
            centers.append(pixels[nearest].flip(0))
    return torch.stack(centers) if centers else torch.zeros(0, 2, device=bones.device)


def _outline(image: Float[Tensor, "1 h w"], mask: Bool[Tensor, "1 h w"]) -> Float[Tensor, "3 h w"]:
    color = image.repeat(3, 1, 1)
    eroded = -F.max_pool2d(-mask.float()[None], 3, 1, 1)[0] > 0
    edge = (mask & ~eroded)[0]
    color[:, edge] = torch.tensor([1.0, 0.8, 0.1], device=image.device)[:, None]
    return color


def _save(picture: Float[Tensor, "3 h w"], path: Path) -> None:
    from PIL import Image

    Image.fromarray((picture * 255).byte().permute(1, 2, 0).cpu().numpy()).save(path)

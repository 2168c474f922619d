"""Training of the 3-D branch on whole volumes, and how well it does on volumes held out."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from anybone.errors import UsageError
from anybone.model.bone_sam import BoneSam
from anybone.shapes import Float, Int
from anybone.training.cache import IGNORE
from anybone.training.config import TrainingConfig
from anybone.training.losses import mask_loss
from anybone.training.volumes import VolumeCache


def depth_loss(
    model: BoneSam, volumes: Float[Tensor, "b c c c"], bones: Int[Tensor, "b c c c"], config: TrainingConfig
) -> dict[str, Tensor]:
    """The loss of a batch of volumes in 0..1: "depth", Dice plus cross-entropy of the 3-D branch, where bone is known.

    Raises:
        UsageError: The model has no 3-D branch.
    """
    if model.depth_attention is None:
        raise UsageError('This network has no 3-D branch. Set depth_attention = "light" in its configuration.')
    with torch.autocast(volumes.device.type, torch.bfloat16, enabled=config.bfloat16):
        logits = model.depth_attention(as_input(volumes))
    known = bones != IGNORE
    whole = [x.flatten(2) for x in (logits[:, 0].float(), (bones > 0) & known, known)]  # a loss sees "b h w"
    return {"depth": mask_loss(whole[0], whole[1], whole[2], focal=config.focal)}


def as_input(volumes: Float[Tensor, "b c c c"]) -> Float[Tensor, "b 1 c c c"]:
    """Volumes in 0..1 as the branch takes them, -1..1."""
    return (volumes[:, None] - 0.5) / 0.5


@torch.inference_mode()
def validate_volumes(model: BoneSam, cache: VolumeCache) -> dict[str, float]:
    """Dice of the 3-D branch above one half on its own grid, where bone is known: by region (mean), and by patient."""
    by_region: dict[str, list[float]] = defaultdict(list)
    scores: dict[str, float] = {}
    device = next(model.parameters()).device
    for patient, image, bones in zip(cache.patients, cache.images, cache.bones, strict=True):
        known = (bones != IGNORE).to(device)
        truth = (bones.to(device) > 0) & known
        found = (model.attend(as_input(image[None].to(device) / 255))[0, 0] > 0.5) & known
        both = int(found.sum() + truth.sum())
        dice = 2 * int((found & truth).sum()) / both if both else 1.0
        scores[f"{patient} depth"] = dice
        by_region[patient.split("/")[0]].append(dice)
    means = {f"{region} depth": round(sum(dices) / len(dices), 4) for region, dices in sorted(by_region.items())}
    return scores | means

"""One training step: encode once; answer automatically, to points, and to a correction of that answer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.model.bone_sam import BoneSam
from anybone.model.preprocess import to_network
from anybone.shapes import Bool, Float, Int
from anybone.training.cache import IGNORE
from anybone.training.config import TrainingConfig
from anybone.training.losses import intersection_over_union, mask_loss
from anybone.training.simulate_prompts import Prompted, correct, draw_prompts

ALL_BONE, ASKED = 0, 1  # channel 0 is taught all bone whatever the prompts, channel 1 what they ask for


def training_loss(
    model: BoneSam,
    images: Float[Tensor, "b h w"],
    bones: Int[Tensor, "b h w"],
    config: TrainingConfig,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    """The loss of a batch by part: "automatic", "points", "corrected", "quality"; their sum is what is minimised."""
    known = bones != IGNORE
    all_bone = (bones > 0) & known
    with torch.autocast(images.device.type, torch.bfloat16, enabled=config.bfloat16):
        embedding = model.encode(to_network(images))
    embedding = embedding.float()

    automatic, quality = model.decode(embedding)
    large = _enlarge(automatic, images)
    losses = {"automatic": mask_loss(large[:, ASKED], all_bone, known) + mask_loss(large[:, ALL_BONE], all_bone, known)}
    losses["automatic"] = losses["automatic"] / 2
    error = _quality_error(quality, large, all_bone, all_bone, known)

    prompted = draw_prompts(bones, config.max_points, config.component_share, rng)
    first, quality, loss = _answer(model, embedding, prompted, None, all_bone, known)
    losses["points"] = loss
    error = error + _quality_error(quality, first, all_bone, prompted.target, known)

    again = correct(prompted, first[:, ASKED] > 0, known, rng)
    previous = F.interpolate(first[:, ASKED : ASKED + 1].detach(), scale_factor=0.25, mode="area")
    second, quality, loss = _answer(model, embedding, again, previous, all_bone, known)
    losses["corrected"] = loss
    error = error + _quality_error(quality, second, all_bone, again.target, known)
    losses["quality"] = config.quality_weight * error
    return losses


def _answer(
    model: BoneSam,
    embedding: Float[Tensor, "b c h16 w16"],
    prompted: Prompted,
    previous: Float[Tensor, "b 1 h4 w4"] | None,
    all_bone: Bool[Tensor, "b h w"],
    known: Bool[Tensor, "b h w"],
) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 2"], Float[Tensor, ""]]:
    logits, quality = model.decode(embedding, prompted.points_xy, prompted.labels, mask_logits=previous)
    large = _enlarge(logits, all_bone)
    return large, quality, mask_loss(large[:, ASKED], prompted.target, known)


def _enlarge(logits: Float[Tensor, "b 2 h4 w4"], like: Tensor) -> Float[Tensor, "b 2 h w"]:
    return F.interpolate(logits, size=like.shape[1:], mode="bilinear", align_corners=False)


def _quality_error(
    quality: Float[Tensor, "b 2"],
    logits: Float[Tensor, "b 2 h w"],
    all_bone: Bool[Tensor, "b h w"],
    asked: Bool[Tensor, "b h w"],
    known: Bool[Tensor, "b h w"],
) -> Float[Tensor, ""]:
    truth = [
        intersection_over_union(logits[:, ALL_BONE], all_bone, known),
        intersection_over_union(logits[:, ASKED], asked, known),
    ]
    return F.mse_loss(quality, torch.stack(truth, 1))

"""One training step: encode once; answer automatically, to points or boxes, and to a correction of an answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.model.bone_sam import BoneSam
from anybone.model.preprocess import to_network
from anybone.shapes import Bool, Float, Int
from anybone.training.cache import IGNORE
from anybone.training.config import TrainingConfig
from anybone.training.losses import intersection_over_union, mask_loss
from anybone.training.simulate_prompts import Prompted, correct, draw_boxes, draw_points, no_prompts

ALL_BONE, ASKED = 0, 1  # channel 0 is taught all bone whatever the prompts, channel 1 what they ask for
ALL_BONE_WEIGHT = 0.25


def training_loss(
    model: BoneSam,
    images: Float[Tensor, "b h w"],
    bones: Int[Tensor, "b h w"],
    config: TrainingConfig,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    """The loss of a batch by part: "automatic", "prompted", "corrected", "quality"; their sum is what is minimised."""
    known = bones != IGNORE
    all_bone = (bones > 0) & known
    with torch.autocast(images.device.type, torch.bfloat16, enabled=config.bfloat16):
        embedding = model.encode(to_network(images))
    embedding = embedding.float()

    nothing = no_prompts(all_bone)
    automatic = _answer(model, embedding, nothing, None, all_bone, known)
    boxed = float(torch.rand(1, generator=rng)) < config.box_share
    prompted = draw_boxes(bones, rng) if boxed else draw_points(bones, config.max_points, rng)
    first = _answer(model, embedding, prompted, None, all_bone, known)
    from_automatic = float(torch.rand(1, generator=rng)) < config.automatic_share
    asked, earlier = (nothing, automatic) if from_automatic else (prompted, first)
    again = correct(asked, _enlarge(earlier.logits, images)[:, ASKED] > 0, known, rng)
    second = _answer(model, embedding, again, earlier.logits[:, ASKED : ASKED + 1].detach(), all_bone, known)
    error = automatic.quality_error + first.quality_error + second.quality_error
    return {
        "automatic": automatic.loss,
        "prompted": first.loss,
        "corrected": second.loss,
        "quality": config.quality_weight * error,
    }


@dataclass(frozen=True)
class _Answer:
    logits: Float[Tensor, "b 2 h4 w4"]
    loss: Float[Tensor, ""]
    quality_error: Float[Tensor, ""]


def _answer(
    model: BoneSam,
    embedding: Float[Tensor, "b c h16 w16"],
    prompted: Prompted,
    previous: Float[Tensor, "b 1 h4 w4"] | None,
    all_bone: Bool[Tensor, "b h w"],
    known: Bool[Tensor, "b h w"],
) -> _Answer:
    has_points = prompted.labels.shape[1] > 0
    logits, quality = model.decode(
        embedding,
        points_xy=prompted.points_xy if has_points else None,
        point_labels=prompted.labels if has_points else None,
        boxes_xyxy=prompted.boxes_xyxy,
        mask_logits=previous,
    )
    large = _enlarge(logits, all_bone)
    loss = mask_loss(large[:, ASKED], prompted.target, known)
    loss = loss + ALL_BONE_WEIGHT * mask_loss(large[:, ALL_BONE], all_bone, known)
    return _Answer(logits, loss, _quality_error(quality, large, all_bone, prompted.target, known))


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

"""One training step: encode once; answer automatically, to a prompt, and to corrections of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float, Int
from anybone.models.image_normalization import to_network
from anybone.models.network import Network
from anybone.training.cache import IGNORE
from anybone.training.config import TrainingConfig
from anybone.training.losses import intersection_over_union, mask_loss
from anybone.training.simulate_prompts import PROMPTS, Prompted, around_click, correct, no_prompts

ALL_BONE, ASKED = 0, 1  # channel 0 is trained on all bone whatever the prompts, channel 1 what they ask for
ALL_BONE_WEIGHT = 0.25


def training_loss(
    model: Network,
    images: Float[Tensor, "b h w"],
    bones: Int[Tensor, "b h w"],
    config: TrainingConfig,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    """Return the loss of a batch by part: "automatic", "quality" and, with prompts, "prompted", "corrected"."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=config.bfloat16):
        embedding = model.encode(to_network(images))
    return decoding_loss(model, embedding.float(), bones, config, rng)


def decoding_loss(
    model: Network,
    embedding: Float[Tensor, "b c h2 w2"],
    bones: Int[Tensor, "b h w"],
    config: TrainingConfig,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    """Return the loss of `training_loss` for images that are already encoded."""
    batch = _Batch(model, embedding, (bones > 0) & (bones != IGNORE), bones != IGNORE, config)
    automatic = batch.answer(no_prompts(batch.all_bone))
    if not config.prompts:
        return {"automatic": automatic.loss, "quality": config.quality_weight * automatic.quality_error}
    prompted = batch.answer(_draw(bones, config, rng))
    from_automatic = float(torch.rand(1, generator=rng, device=rng.device)) < config.automatic_fraction
    last = automatic if from_automatic else prompted
    errors = [automatic.quality_error, prompted.quality_error]
    corrected = automatic.loss.new_zeros(())
    for _ in range(config.corrections):
        answer = batch.enlarged(last.logits)[:, ASKED] > 0
        asked = correct(last.asked, answer, batch.known, rng)
        previous = last.logits[:, ASKED : ASKED + 1].detach()
        last = batch.answer(asked, previous, focus=around_click(asked) if config.click_loss_weight else None)
        corrected = corrected + last.loss / config.corrections
        errors.append(last.quality_error)
    return {
        "automatic": automatic.loss,
        "prompted": prompted.loss,
        "corrected": corrected,
        "quality": config.quality_weight * torch.stack(errors).sum(),
    }


def _draw(bones: Int[Tensor, "b h w"], config: TrainingConfig, rng: torch.Generator) -> Prompted:
    weights = torch.tensor([config.prompts.get(kind, 0.0) for kind in PROMPTS], device=rng.device)
    kind = list(PROMPTS)[int(torch.multinomial(weights, 1, generator=rng))]
    return PROMPTS[kind](bones, rng)


@dataclass(frozen=True)
class _Answer:
    asked: Prompted
    logits: Float[Tensor, "b 2 h4 w4"]
    loss: Float[Tensor, ""]
    quality_error: Float[Tensor, ""]


@dataclass(frozen=True)
class _Batch:
    """Encoded images and the truth about them."""

    model: Network
    embedding: Float[Tensor, "b c h2 w2"]
    all_bone: Bool[Tensor, "b h w"]
    known: Bool[Tensor, "b h w"]
    config: TrainingConfig

    def answer(
        self,
        asked: Prompted,
        previous: Float[Tensor, "b 1 h4 w4"] | None = None,
        focus: Float[Tensor, "b h w"] | None = None,
    ) -> _Answer:
        """Return the mask for prompts, on top of a previous mask or their own, and its loss."""
        has_points = asked.labels.shape[1] > 0
        logits, quality = self.model.decode(
            self.embedding,
            points_xy=asked.points_xy if has_points else None,
            point_labels=asked.labels if has_points else None,
            boxes_xyxy=asked.boxes_xyxy,
            mask_logits=asked.mask_logits if previous is None else previous,
        )
        large = self.enlarged(logits)
        truths = {ALL_BONE: self.all_bone, ASKED: asked.target}
        cost = partial(
            mask_loss,
            known=self.known,
            focal_gamma=self.config.focal_gamma,
            boundary_weight=self.config.boundary_loss_weight,
        )
        loss = cost(large[:, ASKED], truths[ASKED], click_weight=self.config.click_loss_weight, focus=focus)
        loss = loss + ALL_BONE_WEIGHT * cost(large[:, ALL_BONE], truths[ALL_BONE])
        iou = [intersection_over_union(large[:, channel], truth, self.known) for channel, truth in truths.items()]
        return _Answer(asked, logits, loss, F.mse_loss(quality, torch.stack(iou, 1)))

    def enlarged(self, logits: Float[Tensor, "b 2 h4 w4"]) -> Float[Tensor, "b 2 h w"]:
        """Return logits at the size of the images."""
        return F.interpolate(logits, size=self.known.shape[1:], mode="bilinear", align_corners=False)

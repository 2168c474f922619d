"""Training of the 3-D branch on whole volumes, then of gate and fusion; how well the branch does on others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor

from anybone.core.array_types import Float, Int
from anybone.core.errors import UsageError
from anybone.models.image_normalization import to_network
from anybone.models.network import Network
from anybone.training.cache import IGNORE
from anybone.training.config import TrainingConfig
from anybone.training.losses import mask_loss
from anybone.training.sources import AnySource, draw_batch
from anybone.training.stages import STAGES
from anybone.training.step import decoding_loss, training_loss
from anybone.training.volumes import VolumeCache, as_input, resized, resized_labels


def depth_loss(
    model: Network, volumes: Float[Tensor, "b c c c"], bones: Int[Tensor, "b c c c"], config: TrainingConfig
) -> dict[str, Tensor]:
    """Return the loss of a batch of volumes: "depth", Dice plus cross-entropy of the 3-D branch on known labels.

    Raises:
        UsageError: The model has no 3-D branch.
    """
    if model.depth_attention is None:
        raise UsageError('This network has no 3-D branch. Set depth_attention = "light" in its configuration.')
    with torch.autocast(volumes.device.type, torch.bfloat16, enabled=config.bfloat16):
        logits = model.depth_attention(as_input(volumes))
    known = bones != IGNORE
    whole = [x.flatten(2) for x in (logits[:, 0].float(), (bones > 0) & known, known)]  # a loss sees "b h w"
    return {"depth": mask_loss(whole[0], whole[1], whole[2], focal_gamma=config.focal_gamma)}


def fusion_loss(
    model: Network,
    images: Float[Tensor, "b h w"],
    bones: Int[Tensor, "b h w"],
    attention: Float[Tensor, "b h2 w2"],
    config: TrainingConfig,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    """Return the loss of `step.training_loss` for slices that are fused with their attention."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=config.bfloat16):
        embedding = model.encode(to_network(images))
    return decoding_loss(model, model.fuse(embedding.float(), attention), bones, config, rng)


def batch_loss(
    model: Network, sources: Mapping[str, AnySource], config: TrainingConfig, rng: torch.Generator
) -> dict[str, Tensor]:
    """Draw a batch for the stage and return its loss by part."""
    drawn = draw_batch(sources, config, rng)
    match STAGES[config.stage].sees:
        case "slices":
            images, bones = drawn
            return training_loss(model, images, bones, config, rng)
        case "volumes":
            images, bones = drawn
            return depth_loss(model, images, bones, config)
        case "attended slices":
            images, bones, attention = drawn
            return fusion_loss(model, images, bones, attention, config, rng)


@torch.inference_mode()
def validate_volumes(model: Network, cache: VolumeCache) -> dict[str, float]:
    """Dice of the 3-D branch above one half on its own grid, where bone is known: by region (mean), and by patient."""
    by_region: dict[str, list[float]] = defaultdict(list)
    scores: dict[str, float] = {}
    device = next(model.parameters()).device
    for patient, image, bones in zip(cache.patients, cache.images, cache.bones, strict=True):
        seen, bones = resized(image.to(device) / 255), resized_labels(bones.to(device))
        known = bones != IGNORE
        truth = (bones > 0) & known
        found = (model.attend(as_input(seen[None]))[0, 0] > 0.5) & known
        both = int(found.sum() + truth.sum())
        dice = 2 * int((found & truth).sum()) / both if both else 1.0
        scores[f"{patient} depth"] = dice
        by_region[patient.split("/")[0]].append(dice)
    means = {f"{region} depth": round(sum(dices) / len(dices), 4) for region, dices in sorted(by_region.items())}
    return scores | means

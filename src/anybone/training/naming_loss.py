"""Loss and predictions of named bones on a batch of encoded slices."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float, Int
from anybone.models.bone_sam import BoneSam
from anybone.training.cache import IGNORE
from anybone.training.losses import mask_loss


def naming_loss(model: BoneSam, embedding: Float[Tensor, "b c h w"], truth: Int[Tensor, "b s s"]) -> Float[Tensor, ""]:
    """Return the mean loss of the masks of the model's bones: each mask, and the choice of bone within bone.

    Args:
        model: With `bones` in its configuration.
        embedding: Embedding of images.
        truth: Label of the bone in each pixel; 0 background, IGNORE not known.
    """
    logits = F.interpolate(model.tell_apart(embedding), size=truth.shape[1:], mode="bilinear", align_corners=False)
    known = truth != IGNORE
    labels = list(model.config.bones)
    alone = [mask_loss(logits[:, n], truth == label, known) for n, label in enumerate(labels)]
    which = torch.full_like(truth, -1)
    for n, label in enumerate(labels):
        which[truth == label] = n
    if not (which >= 0).any():
        return torch.stack(alone).mean()
    return torch.stack(alone).mean() + F.cross_entropy(logits, which, ignore_index=-1)


def tell_apart(
    model: BoneSam, embedding: Float[Tensor, "b c h w"], mask: Bool[Tensor, "b s s"]
) -> Int[Tensor, "b s s"]:
    """Return the label of the most likely bone within the mask, 0 elsewhere."""
    logits = F.interpolate(model.tell_apart(embedding), size=mask.shape[1:], mode="bilinear", align_corners=False)
    labels = torch.tensor(list(model.config.bones), device=mask.device)
    return torch.where(mask, labels[logits.argmax(1)], 0)

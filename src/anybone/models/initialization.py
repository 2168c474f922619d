"""Weights to start training from: our checkpoints, and SAM, MobileSAM or LiteMedSAM `.pth` files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from anybone.core.errors import CheckpointError
from anybone.models.bone_names import named
from anybone.models.bone_sam import BoneSam
from anybone.models.checkpoint import SUFFIX, load
from anybone.models.conversion import read_sam
from anybone.models.image_normalization import IMAGENET_MEAN, IMAGENET_STD

_FIRST = "encoder.patch_embed.first."
_HEADS = (
    "mask_decoder.mask_tokens",
    "mask_decoder.quality_head.layers.2.weight",
    "mask_decoder.quality_head.layers.2.bias",
)

_log = logging.getLogger(__name__)


def start_from(model: BoneSam, path: Path) -> list[str]:
    """Copy the weights that fit from a checkpoint, or a SAM, MobileSAM or LiteMedSAM `.pth`, into `model`.

    Of SAM's masks, the one for unambiguous prompts becomes every mask of ours. LiteMedSAM reads single pixels at the
    resolution at which ours has features, so its first layers are spread over the pixels that make up one of those.
    Parts that the file lacks (adapters, the 3-D branch) or that differ in shape (heads, an encoder of another kind)
    keep their initial values.

    Returns:
        Our names of the weights that keep their initial values; they are logged too.

    Raises:
        CheckpointError: The file is damaged or no plain state dict, or nothing in it fits.
    """
    ours = model.state_dict()
    theirs = _own(path, model) if path.suffix == SUFFIX else _as_ours(read_sam(path), ours)
    fitting = {k: v for k, v in theirs.items() if k in ours and ours[k].shape == v.shape}
    if not fitting:
        raise CheckpointError(
            f"No weight in {path.name} fits this network. Give a checkpoint of a like one, or SAM's or MobileSAM's."
        )
    model.load_state_dict(fitting, strict=False)
    for key in sorted(theirs.keys() & ours.keys() - fitting.keys()):
        _log.warning("%s: %s there, %s here: initialized", key, tuple(theirs[key].shape), tuple(ours[key].shape))
    for key in sorted(theirs.keys() - ours.keys()):
        _log.info("%s of %s has no place in this network: left out", key, path.name)
    initial = sorted(ours.keys() - fitting.keys())
    _log.info("%d of %d weights come from %s; initialized: %s", len(fitting), len(ours), path.name, ", ".join(initial))
    return initial


def _own(path: Path, model: BoneSam) -> dict[str, Tensor]:
    """Weights of a checkpoint, with masks for the model's bones where it has names and they have none."""
    checkpoint = load(path)
    if model.config.bones and not checkpoint.config.bones:
        return named(checkpoint.weights, len(model.config.bones))
    return checkpoint.weights


def _as_ours(sam: dict[str, Tensor], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    weights = dict(sam)
    first = weights.get(_FIRST + "conv.weight")
    if first is not None and first.shape[2:] == (1, 1):
        weights |= _in_our_gray_values(weights)
        for key in (_FIRST + "conv.weight", "encoder.patch_embed.second.conv.weight"):
            weights[key] = _spread(weights[key], ours[key].shape[-1])
    masks = len(ours["mask_decoder.mask_tokens"])
    for key in _HEADS:
        if key in weights and weights[key].shape[1:] == ours[key].shape[1:]:
            weights[key] = weights[key][:1].expand(ours[key].shape).clone()
    for key in [k for k in weights if k.startswith("mask_decoder.hypernetworks.0.")]:
        weights |= {key.replace(".0.", f".{mask}.", 1): weights[key] for mask in range(1, masks)}
    return weights


def _in_our_gray_values(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """LiteMedSAM's first layer, which was trained on 0..1, for images with ImageNet's mean and deviation."""
    kernel, running = weights[_FIRST + "conv.weight"], weights[_FIRST + "norm.running_mean"]
    mean, deviation = torch.tensor(IMAGENET_MEAN)[:, None, None], torch.tensor(IMAGENET_STD)[:, None, None]
    return {
        _FIRST + "conv.weight": kernel * deviation,
        _FIRST + "norm.running_mean": running - (kernel * mean).sum((1, 2, 3)),
    }


def _spread(kernel: Tensor, side: int) -> Tensor:
    """Return a kernel for single pixels as one for the mean of `side` x `side` pixels."""
    return kernel.expand(-1, -1, side, side) / side**2

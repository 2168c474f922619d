"""A network that knows bone, on its way to one that knows bones by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from anybone.core.errors import CheckpointError
from anybone.models.config import ModelConfig

_ASKED = 2  # the decoder's output that answers prompts; 0 is SAM's for unambiguous ones, 1 all bone
_ROWS = (
    "mask_decoder.mask_tokens",
    "mask_decoder.quality_head.layers.2.weight",
    "mask_decoder.quality_head.layers.2.bias",
)
_HYPERNETWORK = "mask_decoder.hypernetworks."


def with_bones(config: ModelConfig, bones: Mapping[int, str]) -> ModelConfig:
    """Return the configuration with names of bones.

    Raises:
        CheckpointError: It has others already.
    """
    if config.bones and dict(config.bones) != dict(bones):
        raise CheckpointError(
            f"These weights tell {dict(config.bones)} apart already, which are not {dict(bones)}. "
            "Label the cases alike, or give the weights that those began with."
        )
    return replace(config, bones=dict(bones))


def named(weights: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """Weights with masks for `count` bones, each of which begins as the mask that answers prompts."""
    grown = dict(weights)
    for key in _ROWS:
        grown[key] = torch.cat([weights[key], weights[key][_ASKED : _ASKED + 1].expand(count, *weights[key].shape[1:])])
    outputs = len(weights[_ROWS[0]])
    for key in [key for key in weights if key.startswith(f"{_HYPERNETWORK}{_ASKED}.")]:
        rest = key.removeprefix(f"{_HYPERNETWORK}{_ASKED}.")
        grown |= {f"{_HYPERNETWORK}{outputs + n}.{rest}": weights[key] for n in range(count)}
    return grown

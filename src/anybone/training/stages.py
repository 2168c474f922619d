"""Training stages: patterns of the names of the weights to train."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn


@dataclass(frozen=True)
class Stage:
    """A choice of weights.

    Attributes:
        trains: Pattern of the names of weights that are trained; all others stay as they are.
        about: Purpose of the stage.
        lora: Whether low-rank updates are added beside the linear layers of attention first, and trained.
        sees: Contents of a batch: slices; whole volumes, for the 3-D branch; or slices with the attention that the
            3-D branch gives them, which their embeddings are fused with.
    """

    trains: str
    about: str
    lora: bool = False
    sees: Literal["slices", "volumes", "attended slices"] = "slices"


_HEADS = r"^prompt_encoder\.|^mask_decoder\.(quality|mask_tokens|upscale|sharpen|hypernetworks)"

STAGES: Mapping[str, Stage] = {
    "everything": Stage(r"^(encoder|prompt_encoder|mask_decoder)\.", "the whole 2-D pathway, from scratch or from SAM"),
    "decoder": Stage(r"^(prompt_encoder|mask_decoder)\.", "decoder and prompts; embeddings stay and can be cached"),
    "adapters": Stage(r"adapter\.", "adapters of encoder and decoder alone, as published"),
    "adapters and heads": Stage(rf"adapter\.|{_HEADS}", "adapters and what reads masks off: new heads on old features"),
    "encoder adapters": Stage(r"^encoder\..*adapter\.", "adapters of the encoder alone"),
    "decoder adapters": Stage(r"^mask_decoder\..*adapter\.", "adapters of the decoder alone"),
    "decoder lora": Stage(
        rf"^mask_decoder\..*\.lora_|{_HEADS}", "low-rank updates of the decoder's attention, and heads", lora=True
    ),
    "last stage": Stage(
        r"^encoder\.(stages\.3|neck|detail)\.|^(prompt_encoder|mask_decoder)\.", "all but the early stages"
    ),
    "lora": Stage(rf"\.lora_|{_HEADS}", "low-rank updates of attention (Hu et al. 2021), and heads", lora=True),
    "depth": Stage(r"^depth_attention\.", "the 3-D branch, on volumes of its own", sees="volumes"),
    "fusion": Stage(r"^fusion\.", "gate and fusion, on slices and what the 3-D branch sees", sees="attended slices"),
    "fusion and heads": Stage(rf"^fusion\.|{_HEADS}", "gate, fusion, and what reads masks off", sees="attended slices"),
}


def prepare_stage(model: nn.Module, stage: Stage) -> list[str]:
    """Enable gradients for the stage's weights only, and return their names."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(re.search(stage.trains, name) is not None)
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def train_mode(model: nn.Module) -> None:
    """Set the model to training mode, except batch norms that are not trained."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not any(
            p.requires_grad for p in module.parameters()
        ):
            module.eval()

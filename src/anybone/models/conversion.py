"""Released `.pth` files in our names: SegmentAnyBone's two, and those of SAM's family."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from anybone.core.errors import CheckpointError
from anybone.models.bone_sam import BoneSam
from anybone.models.checkpoint import Checkpoint
from anybone.models.config import ModelConfig

PUBLISHED_LICENSE = "CC BY-NC 4.0 (non-commercial use only)"
PUBLISHED_ORIGIN = "SegmentAnyBone, Gu et al. 2025, arXiv 2401.12974"

# Each rule rewrites a part of a released key, in this order.
_SAM_RULES = [
    (r"^image_encoder\.patch_embed\.seq\.0\.", "encoder.patch_embed.first."),
    (r"^image_encoder\.patch_embed\.seq\.2\.", "encoder.patch_embed.second."),
    (r"^image_encoder\.layers\.(\d)\.downsample\.", r"encoder.merges.\1."),
    (r"^image_encoder\.layers\.(\d)\.blocks\.", r"encoder.stages.\1."),
    (r"^image_encoder\.norm_head\.", "encoder.classifier.0."),
    (r"^image_encoder\.head\.", "encoder.classifier.1."),
    (r"^image_encoder\.neck\.", "encoder.neck."),
    (r"\.conv1\.(c|bn)\.", r".expand.\1."),
    (r"\.conv2\.(c|bn)\.", r".depthwise.\1."),
    (r"\.conv3\.(c|bn)\.", r".project.\1."),
    (r"\.c\.", ".conv."),
    (r"\.bn\.", ".norm."),
    (r"\.attn\.", ".attention."),
    (r"\.Space_Adapter\.", ".space_adapter."),
    (r"\.MLP_Adapter\.", ".mlp_adapter."),
    (r"\.Adapter\.", ".adapter."),
    (r"\.D_fc1\.", ".down."),
    (r"\.D_fc2\.", ".up."),
    (r"^prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$", "prompt_encoder.position.frequencies"),
    (r"^prompt_encoder\.not_a_point_embed\.weight$", "prompt_encoder.padding"),
    (r"^prompt_encoder\.no_mask_embed\.weight$", "prompt_encoder.no_mask"),
    (r"^prompt_encoder\.point_embeddings\.(\d)\.weight$", r"prompt_encoder.kinds.\1"),
    (r"^prompt_encoder\.mask_downscaling\.", "prompt_encoder.mask_convs."),
    (r"\.transformer\.layers\.", ".transformer.blocks."),
    (r"\.self_attn\.", ".self_attention."),
    (r"\.cross_attn_token_to_image\.", ".tokens_to_image."),
    (r"\.cross_attn_image_to_token\.", ".image_to_tokens."),
    (r"\.mlp\.lin1\.", ".mlp.0."),
    (r"\.mlp\.lin2\.", ".mlp.2."),
    (r"\.final_attn_token_to_image\.", ".final_attention."),
    (r"\.norm_final_attn\.", ".final_norm."),
    (r"^mask_decoder\.iou_token\.weight$", "mask_decoder.quality_token"),
    (r"^mask_decoder\.mask_tokens\.weight$", "mask_decoder.mask_tokens"),
    (r"^mask_decoder\.output_upscaling\.", "mask_decoder.upscale."),
    (r"^mask_decoder\.output_hypernetworks_mlps\.", "mask_decoder.hypernetworks."),
    (r"^mask_decoder\.iou_prediction_head\.", "mask_decoder.quality_head."),
    (r"^attention_fusion\.fuse_emb\.0\.", "fusion.first.conv."),
    (r"^attention_fusion\.fuse_emb\.1\.", "fusion.first.norm."),
    (r"^attention_fusion\.fuse_emb\.3\.", "fusion.second.conv."),
    (r"^attention_fusion\.fuse_emb\.4\.", "fusion.second.norm."),
    (r"^attention_fusion\.gate$", "fusion.gate"),
]
_ATTENTION_RULES = [
    (r"\.conv_block\.", "."),
    (r"\.adn\.N\.", ".norm."),
    (r"\.bn1\.", ".norm."),
    (r"\.(down|up)_conv\.", ".resample."),
    (r"\.ops\.", ".convs."),
    (r"^in_tr\.", "depth_attention.enter."),
    *[(rf"^down_tr{c}\.", f"depth_attention.downs.{i}.") for i, c in enumerate((32, 64, 128, 256))],
    *[(rf"^up_tr{c}\.", f"depth_attention.ups.{i}.") for i, c in enumerate((256, 128, 64, 32))],
    (r"^out_tr\.conv2\.", "depth_attention.scale."),
    (r"^out_tr\.", "depth_attention.leave."),
]
_FLATTENED = ("prompt_encoder.padding", "prompt_encoder.no_mask")  # released with a leading axis of one


def convert_published(bone_sam: Path, attention: Path) -> Checkpoint:
    """Return one checkpoint made from the two released SegmentAnyBone files.

    Args:
        bone_sam: `bone_sam.pth`, the 2-D pathway with adapters and gate.
        attention: `atten.pth`, the 3-D branch.

    Raises:
        CheckpointError: A file is no plain state dict, or a key or shape is missing, superfluous or different.
    """
    weights = read_sam(bone_sam) | rename(read_state_dict(attention), _ATTENTION_RULES)
    config = ModelConfig()
    with torch.device("meta"):
        expected = BoneSam(config).state_dict()
    _require_equal_layout(weights, expected, f"{bone_sam.name} and {attention.name}")
    return Checkpoint(config, weights, PUBLISHED_LICENSE, PUBLISHED_ORIGIN, "segment-anybone")


def read_sam(path: Path) -> dict[str, Tensor]:
    """Read the weights in a `.pth` of SAM's family, renamed to this network's names.

    Raises:
        CheckpointError: The file is absent, damaged, or no plain state dict.
    """
    return rename(read_state_dict(path), _SAM_RULES)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a `.pth` file without running any code in it.

    Raises:
        CheckpointError: The file is absent, damaged, or holds anything but tensors with names.
    """
    try:
        with warnings.catch_warnings():  # of odd pickle protocols: the file is refused or it is not
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"There is no file {path}.") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path.name} is no plain PyTorch state dict ({type(error).__name__}). It was not opened further, since "
            "such files can carry code. Give the released .pth file."
        ) from error
    if isinstance(loaded, dict) and isinstance(loaded.get("model"), dict):
        loaded = loaded["model"]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise CheckpointError(f"{path.name} does not map names to tensors. Give the released .pth file.")
    return {str(k): v for k, v in loaded.items()}


def rename(released: Mapping[str, Tensor], rules: list[tuple[str, str]]) -> dict[str, Tensor]:
    """Return the tensors under this network's names; point embeddings are stacked, leading axes of one dropped."""
    renamed: dict[str, Tensor] = {}
    for key, tensor in released.items():
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        renamed[key] = tensor[0] if key in _FLATTENED and tensor.ndim == 2 else tensor
    kinds = [renamed.pop(f"prompt_encoder.kinds.{i}") for i in range(4) if f"prompt_encoder.kinds.{i}" in renamed]
    if kinds:
        renamed["prompt_encoder.kinds"] = torch.cat(kinds)
    return renamed


def _require_equal_layout(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], where: str) -> None:
    problems = [f"missing {k}" for k in sorted(expected.keys() - found.keys())]
    problems += [f"unknown {k}" for k in sorted(found.keys() - expected.keys())]
    problems += [
        f"{k} has shape {tuple(found[k].shape)}, expected {tuple(expected[k].shape)}"
        for k in sorted(found.keys() & expected.keys())
        if found[k].shape != expected[k].shape
    ]
    if problems:
        shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
        raise CheckpointError(
            f"{where} do not hold the published network: {shown}. Give bone_sam.pth, and atten.pth with --attention."
        )

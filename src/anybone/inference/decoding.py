"""Step 7, decode: prompts on one slice -> logits of bone there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.inference.postprocessing import from_slice
from anybone.inference.slicing import SliceFrame
from anybone.models.network import Network

BONE_CHANNEL = 1  # of the two masks that a network returns
HINT_LOGIT = 8.0  # how sure a mask prompt drawn by hand is: probability 0.9997
SCRIBBLE_POINTS = 16  # points kept of a scribble, evenly along it: more crowd out the other prompts


def on_slice(prompt: Prompt, frame: SliceFrame) -> bool:
    """Whether a prompt acts on the frame's slice."""
    match prompt:
        case Point():
            return round(prompt.ijk[frame.axis]) == frame.index
        case Box():
            return round(prompt.min_ijk[frame.axis]) <= frame.index <= round(prompt.max_ijk[frame.axis])
        case Scribble():
            return any(round(p[frame.axis]) == frame.index for p in prompt.ijk_list)
        case MaskHint():
            return prompt.axis == frame.axis and prompt.index == frame.index
        case Lasso():
            return all(round(p[frame.axis]) == frame.index for p in prompt.ijk_list)
        case _:
            assert_never(prompt)


def decode(
    network: Network,
    embedding: Float[Tensor, "1 c h w"],
    frame: SliceFrame,
    prompts: Sequence[Prompt] = (),
    previous: Float[Tensor, "1 1 h4 w4"] | None = None,
) -> tuple[Float[Tensor, "1 1 h4 w4"], float]:
    """Logits of bone on the decoder's grid and the network's own estimate of their IoU.

    Args:
        network: What decodes.
        embedding: Of the frame's slice, fused.
        frame: Where the slice lies.
        prompts: Those that act on this slice; none: all bone there is.
        previous: Logits to start from: of an earlier answer here, or of the neighboring slice. A mask among the
            prompts takes their place.
    """
    device = embedding.device
    points, labels, boxes = _gather(prompts, frame)
    hints = [p for p in prompts if isinstance(p, MaskHint)]
    if hints:
        previous = mask_logits(hints[-1].mask, frame)
    logits, quality = network.decode(
        embedding,
        points_xy=torch.from_numpy(points)[None].to(device) if len(points) else None,
        point_labels=torch.from_numpy(labels)[None].to(device) if len(points) else None,
        boxes_xyxy=torch.from_numpy(boxes)[None].to(device) if len(boxes) else None,
        mask_logits=previous.to(device) if previous is not None else None,
    )
    return logits[:, BONE_CHANNEL : BONE_CHANNEL + 1], float(quality[0, BONE_CHANNEL])


def mask_logits(mask: NDArray[np.bool_], frame: SliceFrame) -> Float[Tensor, "1 1 h4 w4"]:
    """A hand-drawn mask "rows columns" as logits on the decoder's grid."""
    return (2 * from_slice(mask.astype(np.float32), frame) - 1) * HINT_LOGIT


def box_edges(prompt: Box | Lasso, frame: SliceFrame) -> NDArray[np.float32]:
    """x, y low and x, y high in input pixels: the outer edges of the first and last voxels."""
    low, high = (end(_corners(prompt), axis=0) for end in (np.min, np.max))
    corners = frame.to_model_xy(np.array([low - 0.5, high + 0.5]))
    return np.concatenate([corners.min(0), corners.max(0)])


def _gather(prompts: Sequence[Prompt], frame: SliceFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (n, 2), their labels (n,) and boxes (m, 4), all in input pixels."""
    points: list[np.ndarray] = []
    labels: list[int] = []
    boxes: list[np.ndarray] = []
    for prompt in prompts:
        match prompt:
            case Point():
                points.append(frame.to_model_xy(prompt.ijk))
                labels.append(int(prompt.positive))
            case Scribble():
                here = [p for p in prompt.ijk_list if round(p[frame.axis]) == frame.index]
                kept = np.unique(np.linspace(0, len(here) - 1, min(len(here), SCRIBBLE_POINTS)).round().astype(int))
                points.extend(frame.to_model_xy([here[i] for i in kept]))
                labels.extend([int(prompt.positive)] * len(kept))
            case Box() | Lasso():
                boxes.append(box_edges(prompt, frame))
            case MaskHint():
                pass
            case _:
                assert_never(prompt)
    return (
        np.asarray(points, dtype=np.float32).reshape(-1, 2),
        np.asarray(labels, dtype=np.int64),
        np.asarray(boxes, dtype=np.float32).reshape(-1, 4),
    )


def _corners(prompt: Box | Lasso) -> NDArray[np.float64]:
    return np.array([prompt.min_ijk, prompt.max_ijk] if isinstance(prompt, Box) else prompt.ijk_list)

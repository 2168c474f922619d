"""Step 7, decode: prompts on one slice -> logits of bone there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.progress import Clock
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.inference.embeddings import EmbeddingCache
from anybone.inference.postprocessing import with_adjacent_slices
from anybone.inference.preprocessing import PreparedVolume
from anybone.inference.slicing import SliceFrame, to_decoder_grid
from anybone.models.network import Network

BONE_CHANNEL = 1  # of the two masks that a network returns
HINT_LOGIT = 8.0  # logit of a mask prompt drawn by hand: probability 0.9997
SCRIBBLE_POINTS = 16  # points sampled evenly along a scribble: more would outweigh the other prompts


def on_slice(prompt: Prompt, frame: SliceFrame) -> bool:
    """Return whether a prompt applies to the frame's slice."""
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
    """Return logits of bone on the decoder's grid and the network's estimate of their IoU.

    Args:
        network: Network that decodes.
        embedding: Fused embedding of the frame's slice.
        frame: Frame of the slice.
        prompts: Prompts on this slice; none: all bone.
        previous: Logits to start from, of an earlier mask here or of an adjacent slice. A mask prompt replaces them.
    """
    device = embedding.device
    points, labels, boxes = _prompt_arrays(prompts, frame)
    hints = [p for p in prompts if isinstance(p, MaskHint)]
    if hints:
        previous = mask_to_logits(hints[-1].mask, frame)
    logits, quality = network.decode(
        embedding,
        points_xy=torch.from_numpy(points)[None].to(device) if len(points) else None,
        point_labels=torch.from_numpy(labels)[None].to(device) if len(points) else None,
        boxes_xyxy=torch.from_numpy(boxes)[None].to(device) if len(boxes) else None,
        mask_logits=previous.to(device) if previous is not None else None,
    )
    return logits[:, BONE_CHANNEL : BONE_CHANNEL + 1], float(quality[0, BONE_CHANNEL])


class SliceDecoder:
    """Decoding of any slice of one volume, from cached embeddings.

    Args:
        network: Network that encodes and decodes.
        prepared: The prepared volume.
        clock: Timer of the steps.

    Attributes:
        network: As given.
        prepared: As given.
        clock: As given.
        embeddings: Cache of the slices' embeddings.
    """

    def __init__(self, network: Network, prepared: PreparedVolume, clock: Clock) -> None:
        self.network, self.prepared, self.clock = network, prepared, clock
        self.embeddings = EmbeddingCache(network, prepared, clock)

    def decode(
        self, index: int, prompts: Sequence[Prompt] = (), previous: Float[Tensor, "1 1 h4 w4"] | None = None
    ) -> Float[Tensor, "1 1 h4 w4"]:
        """Return logits of one slice; see `decode`."""
        embedding = self.embeddings.get(index)
        with self.clock.step("decode"), torch.inference_mode():
            return decode(self.network, embedding, self.prepared.frames[index], prompts, previous)[0]

    def decode_all(self, wanted: Sequence[int]) -> Iterator[tuple[int, Float[Tensor, "1 1 h4 w4"]]]:
        """Yield each wanted slice with the logits of all bone, averaged with adjacent slices, in ascending order."""
        batch = self.prepared.options.batch

        def logits() -> Iterator[tuple[int, Tensor]]:
            for done, index in enumerate(wanted):
                if done % batch == 0:
                    self.embeddings.fill(wanted[done : done + batch])
                yield index, self.decode(index)

        return with_adjacent_slices(logits(), self.prepared.options.adjacent_slice_weight)


def mask_to_logits(mask: NDArray[np.bool_], frame: SliceFrame) -> Float[Tensor, "1 1 h4 w4"]:
    """Convert a hand-drawn mask "rows columns" to logits on the decoder's grid."""
    return (2 * to_decoder_grid(mask.astype(np.float32), frame) - 1) * HINT_LOGIT


def box_edges(prompt: Box | Lasso, frame: SliceFrame) -> NDArray[np.float32]:
    """Return low x, y and high x, y in input pixels: the outer edges of the first and last voxels."""
    low, high = (end(_corners(prompt), axis=0) for end in (np.min, np.max))
    corners = frame.to_model_xy(np.array([low - 0.5, high + 0.5]))
    return np.concatenate([corners.min(0), corners.max(0)])


def _prompt_arrays(prompts: Sequence[Prompt], frame: SliceFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points (n, 2), their labels (n,) and boxes (m, 4), all in input pixels."""
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

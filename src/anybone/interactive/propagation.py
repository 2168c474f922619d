"""Propagation: a mask on one slice -> the same bone on adjacent slices, until it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.prompts import Prompt
from anybone.inference.decoding import BONE_CHANNEL, SliceDecoder
from anybone.inference.slicing import MASK_STRIDE, to_slice_grid
from anybone.interactive.click_policy import bone_at, components_touching
from anybone.interactive.masks import MaskComposer, SliceMask
from anybone.models.network import Network

MAX_AIR_INTENSITY = 0.05  # mean normalized intensity of a mask below which it may be in air
MIN_UNPROMPTED = 0.02  # mean probability of bone without prompts: 0.11 or more on bone, 0.003 or less in air

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class StopRule:
    """Conditions under which a bone ends between one slice and the next.

    Attributes:
        min_overlap: Smallest overlap of both masks, as a fraction of the smaller one.
        max_growth: Largest ratio of their areas, in either direction; a leak into muscle grows at once.
        min_pixels: Smallest mask, in pixels of the decoder's grid.
        min_confidence: Smallest `confidence` that the mask is bone: beyond a bone's end masks continue in similar
            tissue.
        kept_fraction: Fraction of the confidence on the first slice that is sufficient if it is less than
            `min_confidence`: bones of low confidence can be propagated too.
    """

    min_overlap: float = 0.3
    max_growth: float = 3.0
    min_pixels: int = 3
    min_confidence: float = 0.4
    kept_fraction: float = 0.7


class Propagator:
    """Propagation of masks between the slices of one volume.

    Args:
        decoder: Decoder of the volume's slices.
        composer: Composer of their masks.
    """

    def __init__(self, decoder: SliceDecoder, composer: MaskComposer) -> None:
        self._decoder, self._composer = decoder, composer

    def is_in_air(self, index: int, mask: SliceMask) -> bool:
        """Return whether the mask of a slice is in air: without signal, and not bone without prompts.

        Prompts are enforced wherever they are, so a point in air has a mask, which must not spread to other slices.
        """
        prepared, where = self._decoder.prepared, mask.runs.to_mask()
        normalized = prepared.normalized.select(prepared.axis, index).numpy()
        if not where.any() or float(normalized[where].mean()) > MAX_AIR_INTENSITY:
            return False
        unprompted = to_slice_grid(self._decoder.decode(index), prepared.frames[index], "linear")
        return float((1 / (1 + np.exp(-unprompted[where]))).mean()) < MIN_UNPROMPTED

    def run(
        self,
        masks: dict[int, SliceMask],
        start: int,
        step: int,
        span: tuple[int, int],
        prompts: Sequence[Prompt],
        rule: StopRule,
        on_slice: Callable[[int, SliceMask], None],
    ) -> None:
        """Propagate the mask of one slice in one direction, and add the masks of the slices it reaches.

        Args:
            masks: Slice -> mask; slices that have a mask are never changed.
            start: Slice to start from.
            step: -1 toward lower indices, 1 toward higher ones.
            span: First and last slice that may be reached.
            prompts: All prompts of the session.
            rule: Conditions under which the bone ends.
            on_slice: Called with each slice that was reached and its mask.
        """
        index = start + step

        def is_free(k: int) -> bool:
            return span[0] <= k <= span[1] and k not in masks

        if not is_free(index) or self.is_in_air(start, masks[start]):
            return
        previous = self._composer.composed_logits(start, masks[start], prompts)
        with self._decoder.clock.step("decode"), torch.inference_mode():
            least = min_confidence(self._decoder.network, self._decoder.embeddings.get(start), previous, rule)
        while is_free(index):
            if not self._decoder.prepared.nonempty_slices[index]:
                return
            embedding = self._decoder.embeddings.get(index)
            with self._decoder.clock.step("decode"), torch.inference_mode():
                logits = next_slice(self._decoder.network, embedding, previous, rule, least)
            if logits is None:
                return
            previous, masks[index] = logits, self._composer.compose(index, logits, prompts)
            on_slice(index, masks[index])
            index += step


def next_slice(
    network: Network,
    embedding: Float[Tensor, "1 c h w"],
    previous: Float[Tensor, "1 1 h4 w4"],
    rule: StopRule,
    least: float = 0.0,
) -> Float[Tensor, "1 1 h4 w4"] | None:
    """Return logits of the same bone on the adjacent slice, or None if it has ended.

    The network gets the previous mask as a mask prompt, and a positive point at the innermost pixel of each of its
    connected components. Components of the result that do not touch the previous mask are removed.

    Args:
        network: Network that decodes.
        embedding: Embedding of the adjacent slice.
        previous: Logits of the slice before.
        rule: Conditions under which the bone ends.
        least: From `min_confidence`; 0 skips that condition.
    """
    logits, quality = _decode_from(network, embedding, previous)
    before = (previous[0, 0] > 0).cpu().numpy()
    after = _same_bone(logits[0, 0].float().cpu().numpy(), before)
    if least > 0:
        after = _confident_components(after, _unprompted(network, embedding), quality, least)
    if not _continues(before, after, rule):
        return None
    return torch.where(torch.from_numpy(after).to(logits.device), logits, logits.clamp(max=-1.0))


def min_confidence(
    network: Network, embedding: Float[Tensor, "1 c h w"], start: Float[Tensor, "1 1 h4 w4"], rule: StopRule
) -> float:
    """Return the smallest confidence with which a bone is propagated from a slice on which it has these logits."""
    quality = _decode_from(network, embedding, start)[1]
    at_start = confidence((start[0, 0] > 0).cpu().numpy(), _unprompted(network, embedding), quality)
    return min(rule.min_confidence, rule.kept_fraction * at_start)


def confidence(mask: Mask, unprompted: NDArray[np.float32], quality: float) -> float:
    """Return a network's confidence that a mask is bone, 0..1.

    It is the mean of the IoU that the network predicts with prompts and the probability of bone without prompts.

    Args:
        mask: Mask on the decoder's grid.
        unprompted: Probability of bone without prompts.
        quality: Predicted IoU.
    """
    return (quality + float(unprompted[mask].mean())) / 2 if mask.any() else 0.0


def _unprompted(network: Network, embedding: Float[Tensor, "1 c h w"]) -> NDArray[np.float32]:
    probability = network.decode(embedding)[0][0, BONE_CHANNEL].float().sigmoid()
    return np.asarray(probability.cpu().numpy())


def _confident_components(mask: Mask, unprompted: NDArray[np.float32], quality: float, least: float) -> Mask:
    """Return the connected components of sufficient confidence: each of several bones ends where it ends."""
    from scipy import ndimage

    components, count = ndimage.label(mask, structure=np.ones((3, 3)))
    kept = [n for n in range(1, count + 1) if confidence(components == n, unprompted, quality) >= least]
    return np.isin(components, kept)


def _decode_from(
    network: Network, embedding: Float[Tensor, "1 c h w"], previous: Float[Tensor, "1 1 h4 w4"]
) -> tuple[Float[Tensor, "1 1 h4 w4"], float]:
    """Decode with the mask of the same or an adjacent slice as prompt, and return logits and predicted IoU."""
    points = torch.from_numpy(_inner_points((previous[0, 0] > 0).cpu().numpy()))[None].to(embedding.device)
    logits, quality = network.decode(
        embedding,
        points_xy=points,
        point_labels=torch.ones(points.shape[:2], dtype=torch.int64, device=embedding.device),
        mask_logits=previous,
    )
    return logits[:, BONE_CHANNEL : BONE_CHANNEL + 1], float(quality[0, BONE_CHANNEL])


def _same_bone(logits: NDArray[np.float32], before: Mask) -> Mask:
    """Return the bones of a mask on the next slice: at the inner pixel of each component, or else what touches it."""
    found = np.zeros_like(before)
    for row, column in ((_inner_points(before)[:, ::-1] + 0.5) / MASK_STRIDE).astype(int).tolist():
        cell = np.zeros_like(before)
        cell[row, column] = True
        found |= bone_at(logits, cell, 0.0)
    return found if found.any() else components_touching(logits > 0, before)


def _continues(before: Mask, after: Mask, rule: StopRule) -> bool:
    small, large = sorted((int(before.sum()), int(after.sum())))
    if small < rule.min_pixels or large > rule.max_growth * small:
        return False
    return int((before & after).sum()) >= rule.min_overlap * small


def _inner_points(mask: Mask) -> NDArray[np.float32]:
    """Return input pixels (x, y), "n 2", of the innermost pixel of each component of a mask on the decoder's grid."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    rows_columns = np.array(ndimage.maximum_position(depth, labels, range(1, count + 1)), dtype=np.float32)
    return (rows_columns.reshape(-1, 2)[:, ::-1] + 0.5) * MASK_STRIDE - 0.5

"""Composition of a slice's mask from its layers: network logits, drawn mask, click corrections and paint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.progress import Clock
from anybone.core.prompts import Point, Prompt, Scribble
from anybone.core.run_lengths import RunLengths
from anybone.inference.decoding import HINT_LOGIT, mask_to_logits
from anybone.inference.postprocessing import NO_BONE
from anybone.inference.preprocessing import PreparedVolume
from anybone.inference.quality import QualityEstimator, SoftDiceTerms, soft_dice_terms
from anybone.inference.slicing import SliceFrame, to_decoder_grid, to_slice_grid

BONE, BACKGROUND = 1, 2  # labels in the paint layer
RELEASED = 2  # label in the drawn layer of pixels that follow the network's logits again
_MARGIN = 0.01  # logits beyond the threshold of a drawn pixel: a click may still change it

CLICK_LOGIT = 3.0  # logits beyond the threshold at a click: probability 0.95
RADIUS_FRACTION = 2.0  # standard deviation of a correction, as a multiple of the distance to the nearest agreeing pixel
MIN_RADIUS_PX, MAX_RADIUS_MM = 1.5, 10.0
SEPARATION = 0.5  # maximum radius, as a fraction of the distance to the nearest click of the other label
GRAY_DEVIATION = 0.2  # standard deviation of gray values of a correction, for intensities in 0..1
_JITTER = 1e-6  # keeps the system solvable where clicks nearly coincide


@dataclass(frozen=True, eq=False)
class SliceMask:
    """The current mask of one slice and the layers that it is composed of.

    Attributes:
        runs: The mask, label 1.
        logits: Layer 1: network logits on the decoder's grid; None if the network was not run.
        drawn: Layer 2: a mask that replaces the network's pixel by pixel; `RELEASED` where it no longer does.
        paint: Layer 4: `BONE` and `BACKGROUND` where the user painted. Layer 3, click corrections, is computed from
            the prompts.
        dice_terms: Terms of the expected Dice; None if it is unknown.
    """

    runs: RunLengths
    logits: Float[Tensor, "1 1 h4 w4"] | None = None
    paint: RunLengths | None = None
    drawn: RunLengths | None = None
    dice_terms: SoftDiceTerms | None = None


def drawn_mask(mask: RunLengths, dice_terms: SoftDiceTerms | None = None) -> SliceMask:
    """Return a slice mask that consists of a drawn mask only."""
    return SliceMask(mask, drawn=mask, dice_terms=dice_terms)


def without_logits(current: SliceMask) -> SliceMask:
    """Return the same mask with the network logits replaced by a drawn mask."""
    return replace(drawn_mask(current.runs, current.dice_terms), paint=current.paint)


@dataclass(frozen=True)
class MaskComposer:
    """Composition of masks on the slices of one volume.

    Attributes:
        prepared: The prepared volume.
        quality_estimator: Calibration of the network's logits.
        clock: Timer of the steps.
        spacing_mm: Spacing of a slice's rows and columns in mm.
    """

    prepared: PreparedVolume
    quality_estimator: QualityEstimator
    clock: Clock
    spacing_mm: tuple[float, float]

    def compose(
        self,
        index: int,
        logits: Tensor | None,
        prompts: Sequence[Prompt],
        paint: RunLengths | None = None,
        drawn: RunLengths | None = None,
    ) -> SliceMask:
        """Compose the mask of a slice from its layers.

        Args:
            index: Slice index.
            logits: Network logits on the decoder's grid.
            prompts: All prompts of the session.
            paint: As in `SliceMask`.
            drawn: As in `SliceMask`.
        """
        with self.clock.step("stitch"):
            composed = self._compose_logits(index, logits, prompts, paint, drawn)
            mask = composed > self.prepared.options.threshold
            terms = None
            if logits is not None and drawn is None and self.quality_estimator.least_dice is not None:
                terms = soft_dice_terms(self.quality_estimator.calibration.probability(composed), mask)
            return SliceMask(RunLengths.from_array(mask), logits, paint, drawn, terms)

    def with_paint(
        self, index: int, current: SliceMask | None, prompts: Sequence[Prompt], where: NDArray[np.bool_], erase: bool
    ) -> SliceMask:
        """Compose the mask of a slice after the user painted on it.

        Args:
            index: Slice index.
            current: Mask before; None if there is none.
            prompts: All prompts of the session.
            where: Painted pixels, "rows columns".
            erase: True if they are background.
        """
        painted = current.paint.to_array() if current and current.paint else np.zeros(where.shape, np.uint16)
        paint = RunLengths.from_array(np.where(where, BACKGROUND if erase else BONE, painted))
        if current is None:
            return self.compose(index, None, prompts, paint)
        return self.compose(index, current.logits, prompts, paint, current.drawn)

    def start_logits(self, index: int, current: SliceMask | None) -> Float[Tensor, "1 1 h4 w4"] | None:
        """Return the logits that the network refines: its own, or those of a drawn mask; None without either."""
        if current is None or current.logits is not None or current.drawn is None:
            return None if current is None else current.logits
        return mask_to_logits(current.drawn.to_mask(), self.prepared.frames[index])

    def composed_logits(self, index: int, current: SliceMask, prompts: Sequence[Prompt]) -> Float[Tensor, "1 1 h4 w4"]:
        """Return the logits of all layers together, on the decoder's grid."""
        frame = self.prepared.frames[index]
        if current.logits is None:
            return mask_to_logits(current.runs.to_mask(), frame)
        network = to_slice_grid(current.logits, frame, self.prepared.options.upsampling)
        composed = self._compose_logits(index, current.logits, prompts, current.paint, current.drawn)
        return current.logits + to_decoder_grid(composed - network, frame).to(current.logits.device)

    def probability(self, index: int, current: SliceMask, prompts: Sequence[Prompt]) -> NDArray[np.float16]:
        """Return the calibrated probability of bone in each pixel of a slice."""
        composed = self._compose_logits(index, current.logits, prompts, current.paint, current.drawn)
        return self.quality_estimator.calibration.probability(composed)

    def _compose_logits(
        self,
        index: int,
        logits: Tensor | None,
        prompts: Sequence[Prompt],
        paint: RunLengths | None,
        drawn: RunLengths | None,
    ) -> NDArray[np.float32]:
        """Return the logits of all layers together, on the slice's pixels."""
        frame, options = self.prepared.frames[index], self.prepared.options
        if logits is None and drawn is not None:
            logits = mask_to_logits(drawn.to_mask(), frame)
        if logits is None:
            composed = np.full(frame.slice_shape, NO_BONE, np.float32)
        else:
            composed = to_slice_grid(logits, frame, options.upsampling)
        if drawn is not None:
            composed = _with_drawn(composed, drawn.to_array(), options.threshold)
        if options.enforce_clicks and logits is not None:
            gray = self.prepared.normalized.select(frame.axis, index).numpy()
            composed = correct_at_clicks(composed, clicks_on(prompts, frame), gray, self.spacing_mm, options.threshold)
        return composed if paint is None else _with_paint(composed, paint.to_array(), options.threshold)


# --- layer 2: drawn mask ---


def _with_drawn(logits: NDArray[np.float32], drawn: NDArray[np.uint16], threshold: float) -> NDArray[np.float32]:
    """Give drawn pixels their label; logits on the decoder's coarse grid alone would lose the mask's border."""
    wrong = (drawn != RELEASED) & ((logits > threshold) != (drawn == BONE))
    label = np.where(drawn == BONE, threshold + _MARGIN, threshold - _MARGIN).astype(np.float32)
    return np.where(wrong, label, logits)


def release_drawn(drawn: RunLengths | None, before: Tensor, after: Tensor, frame: SliceFrame) -> RunLengths | None:
    """Release the drawn mask where logits have changed, and return what is left of it; None if nothing is.

    Args:
        drawn: As in `SliceMask`.
        before: Logits that were made from it.
        after: Logits now.
        frame: Frame of the slice.
    """
    if drawn is None:
        return None
    changed = to_slice_grid((before != after).float(), frame, "nearest") > 0
    labels = np.where(changed, RELEASED, drawn.to_array())
    return None if (labels == RELEASED).all() else RunLengths.from_array(labels)


# --- layer 3: click corrections ---


@dataclass(frozen=True)
class Clicks:
    """Clicks on one slice.

    Attributes:
        rows_columns: Pixels of the slice, "n 2".
        positive: True for each click on bone, "n".
    """

    rows_columns: NDArray[np.int64]
    positive: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positive)

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], bool]]:
        return zip(self.rows_columns, self.positive.tolist(), strict=True)


def clicks_on(prompts: Iterable[Prompt], frame: SliceFrame) -> Clicks:
    """Return the points and scribbles on a slice; the last one counts where several are on one pixel."""
    labels: dict[tuple[int, int], bool] = {}
    for prompt in prompts:
        if not isinstance(prompt, Point | Scribble):
            continue
        for ijk in [prompt.ijk] if isinstance(prompt, Point) else prompt.ijk_list:
            index, row, column = (round(ijk[axis]) for axis in (frame.axis, *frame.in_plane))
            if index == frame.index:
                labels[row, column] = prompt.positive
    return Clicks(np.array(list(labels), dtype=np.int64).reshape(-1, 2), np.array(list(labels.values()), dtype=bool))


def correct_at_clicks(
    logits: NDArray[np.float32],
    clicks: Clicks,
    normalized: NDArray[np.float32],
    spacing_mm: tuple[float, float],
    threshold: float,
) -> NDArray[np.float32]:
    """Correct logits so that they are above the threshold at positive clicks and below it at negative ones.

    Logits are treated as a smooth field whose value is known at each click (Gaussian-process regression, Rasmussen and
    Williams 2006, chapter 2): pixels that are close to a click and similar in gray value change with it.

    Args:
        logits: Logits of one slice, "rows columns".
        clicks: Clicks on that slice.
        normalized: Its gray values in 0..1.
        spacing_mm: Spacing of rows and columns in mm.
        threshold: Logit above which a pixel is bone.
    """
    at_clicks = tuple(clicks.rows_columns.T)
    wrong = (logits[at_clicks] > threshold) != clicks.positive
    if not wrong.any():
        return logits
    wanted = threshold + np.where(clicks.positive, CLICK_LOGIT, -CLICK_LOGIT)
    residuals = np.where(wrong, wanted - logits[at_clicks], 0.0)
    kernels = [
        _kernel(normalized, pixel, _radius_mm(logits > threshold, clicks, pixel, positive, spacing_mm), spacing_mm)
        for pixel, positive in clicks
    ]
    covariance = np.array([one[at_clicks] for one in kernels]).T
    weights = np.linalg.solve(covariance + _JITTER * np.eye(len(covariance)), residuals)
    return logits + np.tensordot(weights, kernels, 1).astype(np.float32)


def agreement_distance_mm(
    mask: NDArray[np.bool_], pixel: NDArray[np.int64], positive: bool, spacing_mm: tuple[float, float]
) -> float:
    """Return the distance from a click to the nearest pixel that already has the click's label."""
    return _nearest_mm(np.argwhere(mask == positive), pixel, spacing_mm)


def _radius_mm(
    mask: NDArray[np.bool_],
    clicks: Clicks,
    pixel: NDArray[np.int64],
    positive: bool,
    spacing_mm: tuple[float, float],
) -> float:
    """Return the standard deviation in mm of the correction around a click."""
    voxel_mm = max(spacing_mm)
    radius = min(RADIUS_FRACTION * agreement_distance_mm(mask, pixel, positive, spacing_mm), MAX_RADIUS_MM)
    to_other = _nearest_mm(clicks.rows_columns[clicks.positive != positive], pixel, spacing_mm)
    return min(max(radius, MIN_RADIUS_PX * voxel_mm), max(SEPARATION * to_other, SEPARATION * voxel_mm))


def _nearest_mm(pixels: NDArray[np.int64], pixel: NDArray[np.int64], spacing_mm: tuple[float, float]) -> float:
    return float(np.linalg.norm((pixels - pixel) * spacing_mm, axis=1).min()) if len(pixels) else np.inf


def _kernel(
    normalized: NDArray[np.float32], pixel: NDArray[np.int64], radius_mm: float, spacing_mm: tuple[float, float]
) -> NDArray[np.float32]:
    """Return the kernel around a click: 1 there, decreasing with distance and with difference in gray value."""
    rows, columns = ((np.arange(n) - p) * mm for n, p, mm in zip(normalized.shape, pixel, spacing_mm, strict=True))
    distance = (rows[:, None] ** 2 + columns**2) / radius_mm**2
    contrast = ((normalized - normalized[tuple(pixel)]) / GRAY_DEVIATION) ** 2
    kernel: NDArray[np.float32] = np.exp(-0.5 * (distance + contrast)).astype(np.float32)
    return kernel


# --- layer 4: paint ---


def _with_paint(logits: NDArray[np.float32], paint: NDArray[np.uint16], threshold: float) -> NDArray[np.float32]:
    """Raise logits of painted pixels above the threshold, and lower those of erased pixels below it."""
    logits = np.where(paint == BONE, np.maximum(logits, np.float32(threshold + HINT_LOGIT)), logits)
    return np.where(paint == BACKGROUND, np.minimum(logits, np.float32(threshold - HINT_LOGIT)), logits)

"""What a session answers on one slice: the network's logits, bent by clicks, under what a person painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.prompts import Prompt
from anybone.inference.decoding import HINT_LOGIT, mask_logits
from anybone.inference.postprocessing import NO_BONE, from_slice, to_slice
from anybone.inference.preprocessing import Prepared
from anybone.inference.progress import Clock
from anybone.inference.quality import QualityEstimator, SoftDiceTerms, soft_dice_terms
from anybone.inference.slicing import SliceFrame
from anybone.interactive.click_enforcement import clicks_on, heed
from anybone.interactive.run_lengths import Runs

BONE, NOT_BONE = 1, 2  # labels in `painted`
FREE = 2  # label in `drawn`: the network has answered there since
_JUST = 0.01  # logits beyond the threshold of a pixel whose label is known, but which a click may change


@dataclass(frozen=True, eq=False)
class SliceAnswer:
    """The answer on one slice.

    Attributes:
        runs: What is bone, label 1.
        logits: The network's, on the decoder's grid, without clicks and paint; None where it was not asked.
        painted: `BONE` and `NOT_BONE` where a person painted; None where nobody did.
        drawn: A mask, pixel by pixel, in place of the network's answer; `FREE` where that has answered since.
        sums: What its confidence is reckoned from; None where that is not known.
    """

    runs: Runs
    logits: Float[Tensor, "1 1 h4 w4"] | None = None
    painted: Runs | None = None
    drawn: Runs | None = None
    sums: SoftDiceTerms | None = None


@dataclass(frozen=True)
class Look:
    """How the answers on a volume's slices are looked at.

    Attributes:
        prepared: The volume, cut.
        quality_estimator: What the network's answers are worth.
        clock: Counts the seconds of stitching.
        spacing_mm: Of a slice's rows and columns.
    """

    prepared: Prepared
    quality_estimator: QualityEstimator
    clock: Clock
    spacing_mm: tuple[float, float]

    def answer(
        self,
        index: int,
        logits: Tensor | None,
        prompts: Sequence[Prompt],
        painted: Runs | None = None,
        drawn: Runs | None = None,
    ) -> SliceAnswer:
        """The answer on a slice.

        Args:
            index: Of the slice.
            logits: On the decoder's grid.
            prompts: All of the session.
            painted: As in `SliceAnswer`.
            drawn: As in `SliceAnswer`.
        """
        with self.clock.step("stitch"):
            plane = self._plane(index, logits, prompts, painted, drawn)
            mask = plane > self.prepared.options.threshold
            sums = None
            if logits is not None and drawn is None and self.quality_estimator.least_dice is not None:
                sums = soft_dice_terms(self.quality_estimator.calibration.probability(plane), mask)
            return SliceAnswer(Runs.of(mask), logits, painted, drawn, sums)

    def drawn(self, mask: Runs, sums: SoftDiceTerms | None = None) -> SliceAnswer:
        """The answer that is exactly a mask."""
        return SliceAnswer(mask, drawn=mask, sums=sums)

    def redrawn(self, answer: SliceAnswer) -> SliceAnswer:
        """The same answer, the network's logits forgotten."""
        return replace(self.drawn(answer.runs, answer.sums), painted=answer.painted)

    def logits(self, index: int, answer: SliceAnswer | None) -> Float[Tensor, "1 1 h4 w4"] | None:
        """Logits for the network to go on from: its own, or a drawn mask's; None where there is neither."""
        if answer is None or answer.logits is not None or answer.drawn is None:
            return None if answer is None else answer.logits
        return mask_logits(answer.drawn.mask(), self.prepared.frames[index])

    def painted(
        self, index: int, before: SliceAnswer | None, prompts: Sequence[Prompt], where: NDArray[np.bool_], erase: bool
    ) -> SliceAnswer:
        """The answer after a person painted on a slice.

        Args:
            index: Of the slice.
            before: What was answered there.
            prompts: All of the session.
            where: The pixels that were painted.
            erase: Whether they are no bone.
        """
        had = before.painted.plane() if before and before.painted else np.zeros(where.shape, np.uint16)
        painted = Runs.of(np.where(where, NOT_BONE if erase else BONE, had))
        return self.answer(index, before.logits if before else None, prompts, painted, before.drawn if before else None)

    def probability(self, index: int, answer: SliceAnswer, prompts: Sequence[Prompt]) -> NDArray[np.float16]:
        """The calibrated probability of bone on a slice's pixels."""
        plane = self._plane(index, answer.logits, prompts, answer.painted, answer.drawn)
        return self.quality_estimator.calibration.probability(plane)

    def shown(self, index: int, answer: SliceAnswer, prompts: Sequence[Prompt]) -> Float[Tensor, "1 1 h4 w4"]:
        """The answer on a slice as it is seen, on the decoder's grid."""
        frame = self.prepared.frames[index]
        if answer.logits is None:
            return mask_logits(answer.runs.mask(), frame)
        plain = to_slice(answer.logits, frame, self.prepared.options.upsampling)
        seen = self._plane(index, answer.logits, prompts, answer.painted, answer.drawn)
        return answer.logits + from_slice(seen - plain, frame).to(answer.logits.device)

    def _plane(
        self,
        index: int,
        logits: Tensor | None,
        prompts: Sequence[Prompt],
        painted: Runs | None,
        drawn: Runs | None,
    ) -> NDArray[np.float32]:
        """Logits on the slice's own pixels, as they are seen."""
        frame, options = self.prepared.frames[index], self.prepared.options
        if logits is None and drawn is not None:
            logits = mask_logits(drawn.mask(), frame)
        if logits is None:
            plane = np.full(frame.slice_shape, NO_BONE, np.float32)
        else:
            plane = to_slice(logits, frame, options.upsampling)
        if drawn is not None:
            plane = _as_drawn(plane, drawn.plane(), options.threshold)
        if options.enforce_clicks and logits is not None:
            gray = self.prepared.normalized.select(frame.axis, index).numpy()
            plane = heed(plane, clicks_on(prompts, frame), gray, self.spacing_mm, options.threshold)
        if painted is not None:
            said, threshold = painted.plane(), options.threshold
            plane = np.where(said == BONE, np.maximum(plane, np.float32(threshold + HINT_LOGIT)), plane)
            plane = np.where(said == NOT_BONE, np.minimum(plane, np.float32(threshold - HINT_LOGIT)), plane)
        return plane


def _as_drawn(plane: NDArray[np.float32], drawn: NDArray[np.uint16], threshold: float) -> NDArray[np.float32]:
    """Logits that have the drawn mask's label where it is known; coarse logits alone would lose its border."""
    wrong = (drawn != FREE) & ((plane > threshold) != (drawn == BONE))
    return np.where(wrong, np.where(drawn == BONE, threshold + _JUST, threshold - _JUST).astype(np.float32), plane)


def freed(drawn: Runs | None, before: Tensor, after: Tensor, frame: SliceFrame) -> Runs | None:
    """The drawn mask, free where the logits have changed; None where nothing of it is left.

    Args:
        drawn: As in `SliceAnswer`.
        before: Logits that were made from it.
        after: Logits now.
        frame: Of the slice.
    """
    if drawn is None:
        return None
    inside = to_slice((before != after).float(), frame, "nearest") > 0
    plane = np.where(inside, FREE, drawn.plane())
    return None if (plane == FREE).all() else Runs.of(plane)

"""How far a mask can be relied on, by the network's own calibrated probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import CheckpointError
from anybone.core.segmentation import Confidence
from anybone.inference.calibration import KEY, Calibration

_LEAST = "least_dice"  # in a card, beside the calibration

SoftDiceTerms = tuple[float, float, float]
"""Probable voxels of bone within a mask, those anywhere, and voxels of the mask: what adds up over slices."""


@dataclass(frozen=True)
class QualityEstimator:
    """What a checkpoint's card says of the worth of its answers.

    Attributes:
        calibration: Logits -> probabilities.
        least_dice: Expected Dice below which a result is not to be trusted; None where the weights are not calibrated,
            and then no Dice is expected at all.
    """

    calibration: Calibration = field(default_factory=Calibration)
    least_dice: float | None = None

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> QualityEstimator:
        """The judge that a checkpoint's card describes.

        Raises:
            CheckpointError: An entry is no number.
        """
        calibration = Calibration.from_card(card)
        least = card.get(KEY, {}).get(_LEAST)
        if least is not None and not isinstance(least, (int, float)):
            raise CheckpointError(f"The card's {_LEAST} is {least!r}; expected a number. Calibrate the weights again.")
        return cls(calibration, least)

    def to_card(self) -> dict[str, dict[str, float]]:
        """What `from_card` reads, to be merged into a card."""
        least = {} if self.least_dice is None else {_LEAST: round(self.least_dice, 4)}
        return {KEY: {**self.calibration.to_dict(), **least}}

    def confidence(
        self, probability: NDArray[np.floating], mask: NDArray[np.bool_], axis: int, doubts: tuple[str, ...] = ()
    ) -> Confidence:
        """What is to be expected of a mask.

        Args:
            probability: Of bone, calibrated, "i j k".
            mask: What was taken for bone, "i j k".
            axis: The array axis that slices were cut along.
            doubts: What speaks against the image itself.
        """
        if self.least_dice is None or not mask.any():
            return Confidence(doubts=doubts)
        slices = zip(np.moveaxis(probability, axis, 0), np.moveaxis(mask, axis, 0), strict=True)
        sums = np.array([soft_dice_terms(p, m) for p, m in slices])
        expected = dice_of(*sums.sum(axis=0))
        if expected < self.least_dice:
            doubts = (*doubts, _unsure(expected, self.least_dice))
        with_bone = np.flatnonzero(sums[:, 2]).tolist()
        return Confidence(round(expected, 4), {k: round(dice_of(*sums[k]), 4) for k in with_bone}, doubts)


def expected_dice(probability: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """The Dice that a mask has on average with truths drawn from the probabilities, nearly; 0 for an empty mask.

    It is twice the probable bone within the mask, over the probable bone anywhere plus the mask.
    """
    return dice_of(*soft_dice_terms(probability, mask))


def soft_dice_terms(probability: NDArray[np.floating], mask: NDArray[np.bool_]) -> SoftDiceTerms:
    """Probable voxels of bone within the mask, those anywhere, and voxels of the mask."""
    values = np.asarray(probability, dtype=np.float32)
    return float(values[mask].sum(dtype=np.float64)), float(values.sum(dtype=np.float64)), float(mask.sum())


def dice_of(inside: float, anywhere: float, taken: float) -> float:
    """The Dice to be expected, from the sums of any number of slices."""
    return float(2 * inside / (anywhere + taken)) if taken else 0.0


def _unsure(expected: float, least: float) -> str:
    return (
        f"Do not trust this result: the network itself expects a Dice of {expected:.2f}, and these weights are to be "
        f"relied on from {least:.2f}. Look at the picture (--preview), and check that this is MRI with bone in it."
    )

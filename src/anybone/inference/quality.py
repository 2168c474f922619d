"""Quality estimation: calibrated probabilities, and the Dice to be expected of a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anybone.core.errors import CheckpointError
from anybone.core.segmentation import Confidence

KEY = "calibration"  # of the entry in a checkpoint's card
_LEAST = "least_dice"  # in that entry
_ITERATIONS = 50
_TOLERANCE = 1e-6  # Newton step below which the fit has converged
_RIDGE = 1e-6  # keeps the step finite where all logits are alike

SoftDiceTerms = tuple[float, float, float]
"""Expected bone voxels inside a mask, expected bone voxels in total, and voxels of the mask; additive over slices."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of logits: the probability of bone is the sigmoid of `scale` times the logit plus `shift`.

    Attributes:
        scale: Factor, below 1 for an overconfident network.
        shift: Offset, above 0 for a network that finds too little.
    """

    scale: float = 1.0
    shift: float = 0.0

    def probability(self, logits: NDArray[np.floating]) -> NDArray[np.float16]:
        """Return the probability of bone in each voxel, in the shape of `logits`."""
        values = torch.sigmoid(
            torch.from_numpy(np.ascontiguousarray(logits, dtype=np.float32)) * self.scale + self.shift
        )
        return np.asarray(values.half().numpy())

    def to_dict(self) -> dict[str, float]:
        """Return the entry of a card under `KEY`."""
        return {name: round(value, 4) for name, value in asdict(self).items()}

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Calibration:
        """Parse the calibration in a checkpoint's card; the identity if the weights were not calibrated.

        Raises:
            CheckpointError: The card's entry is not a pair of numbers.
        """
        try:
            return cls(**{name: float(card[KEY][name]) for name in ("scale", "shift")}) if KEY in card else cls()
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"The card's calibration is {card[KEY]!r}; expected a scale and a shift. Calibrate the weights again."
            ) from error


def fit_calibration(
    logits: NDArray[np.floating], truth: NDArray[np.bool_], known: NDArray[np.bool_] | None = None
) -> Calibration:
    """Fit the calibration of maximum likelihood by Newton's method.

    Args:
        logits: Logits of any shape.
        truth: Ground truth of the same shape.
        known: Voxels to fit on; None: all.

    Raises:
        CheckpointError: The voxels do not include both bone and background.
    """
    chosen = np.ones(truth.shape, dtype=bool) if known is None else known
    x = torch.from_numpy(logits[chosen].astype(np.float64))
    y = torch.from_numpy(truth[chosen].astype(np.float64))
    if not 0 < float(y.sum()) < len(y):
        raise CheckpointError("Calibration needs voxels of bone and of background; found only one kind.")
    inputs = torch.stack([x, torch.ones_like(x)])
    parameters = torch.tensor([1.0, 0.0], dtype=torch.float64)
    loss = _cross_entropy(inputs, y, parameters)
    for _ in range(_ITERATIONS):
        p = torch.sigmoid(parameters @ inputs)
        gradient = inputs @ (p - y) / len(y)
        curvature = (inputs * (p * (1 - p))) @ inputs.T / len(y) + _RIDGE * torch.eye(2, dtype=torch.float64)
        step = torch.linalg.solve(curvature, gradient)
        while (new := _cross_entropy(inputs, y, parameters - step)) > loss and step.abs().max() > _TOLERANCE:
            step = step / 2  # a whole step overshoots where probabilities are close to 0 or 1
        parameters, loss = parameters - step, new
        if step.abs().max() < _TOLERANCE:
            break
    return Calibration(float(parameters[0]), float(parameters[1]))


def _cross_entropy(inputs: torch.Tensor, y: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(parameters @ inputs, y)


@dataclass(frozen=True)
class QualityEstimator:
    """Quality estimation from a checkpoint's card.

    Attributes:
        calibration: Calibration of the logits.
        least_dice: Expected Dice below which a result is flagged; None if the weights are not calibrated, and then no
            Dice is estimated.
    """

    calibration: Calibration = field(default_factory=Calibration)
    least_dice: float | None = None

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> QualityEstimator:
        """Parse a checkpoint's card.

        Raises:
            CheckpointError: An entry is not a number.
        """
        calibration = Calibration.from_card(card)
        least = card.get(KEY, {}).get(_LEAST)
        if least is not None and not isinstance(least, (int, float)):
            raise CheckpointError(f"The card's {_LEAST} is {least!r}; expected a number. Calibrate the weights again.")
        return cls(calibration, least)

    def to_card(self) -> dict[str, dict[str, float]]:
        """Return the entries that `from_card` parses, to be merged into a card."""
        least = {} if self.least_dice is None else {_LEAST: round(self.least_dice, 4)}
        return {KEY: {**self.calibration.to_dict(), **least}}

    def confidence(
        self, probability: NDArray[np.floating], mask: NDArray[np.bool_], axis: int, warnings: tuple[str, ...] = ()
    ) -> Confidence:
        """Estimate the quality of a mask.

        Args:
            probability: Calibrated probability of bone, "i j k".
            mask: The mask, "i j k".
            axis: Array axis that slices were cut along.
            warnings: Warnings of the input checks.
        """
        if self.least_dice is None or not mask.any():
            return Confidence(warnings=warnings)
        slices = zip(np.moveaxis(probability, axis, 0), np.moveaxis(mask, axis, 0), strict=True)
        terms = np.array([soft_dice_terms(p, m) for p, m in slices])
        expected = soft_dice(*terms.sum(axis=0))
        if expected < self.least_dice:
            warnings = (*warnings, _low_confidence(expected, self.least_dice))
        with_bone = np.flatnonzero(terms[:, 2]).tolist()
        return Confidence(round(expected, 4), {k: round(soft_dice(*terms[k]), 4) for k in with_bone}, warnings)


def expected_dice(probability: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """Return approximately the mean Dice of a mask with masks sampled from the probabilities; 0 for an empty mask.

    It is twice the expected bone inside the mask, over the expected bone in total plus the mask.
    """
    return soft_dice(*soft_dice_terms(probability, mask))


def soft_dice_terms(probability: NDArray[np.floating], mask: NDArray[np.bool_]) -> SoftDiceTerms:
    """Return the expected bone voxels inside the mask, those in total, and the voxels of the mask."""
    values = np.asarray(probability, dtype=np.float32)
    return float(values[mask].sum(dtype=np.float64)), float(values.sum(dtype=np.float64)), float(mask.sum())


def soft_dice(inside: float, total: float, voxels: float) -> float:
    """Return the expected Dice from the sums of `soft_dice_terms` over any number of slices."""
    return float(2 * inside / (total + voxels)) if voxels else 0.0


def _low_confidence(expected: float, least: float) -> str:
    return (
        f"Do not trust this result: the network itself expects a Dice of {expected:.2f}, and these weights are "
        f"reliable from {least:.2f}. Look at the picture (--preview), and check that this is MRI with bone in it."
    )

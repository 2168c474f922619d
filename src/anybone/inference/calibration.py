"""Calibration: logits -> probabilities that mean what they say, by two numbers that a checkpoint's card holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anybone.core.errors import CheckpointError

KEY = "calibration"  # in a card
_ROUNDS = 50
_CLOSE = 1e-6  # a step of Newton's method below which the two numbers stand
_RIDGE = 1e-6  # keeps the step finite where all logits are alike


@dataclass(frozen=True)
class Calibration:
    """The probability of bone is the sigmoid of `scale` times the logit plus `shift`.

    Attributes:
        scale: Below 1 where the network is too sure of itself.
        shift: Above 0 where it finds too little.
    """

    scale: float = 1.0
    shift: float = 0.0

    def probability(self, logits: NDArray[np.floating]) -> NDArray[np.float16]:
        """The probability of bone in each voxel, of the shape of `logits`."""
        values = torch.sigmoid(
            torch.from_numpy(np.ascontiguousarray(logits, dtype=np.float32)) * self.scale + self.shift
        )
        return np.asarray(values.half().numpy())

    def to_dict(self) -> dict[str, float]:
        """What goes into a card under `KEY`."""
        return {name: round(value, 4) for name, value in asdict(self).items()}

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Calibration:
        """The calibration in a checkpoint's card; the identity where nobody has calibrated the weights.

        Raises:
            CheckpointError: The card's entry is no pair of numbers.
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
    """The calibration under which the truth is likeliest, by Newton's method on its two numbers.

    Args:
        logits: Of any shape.
        truth: Bone, of the same shape.
        known: The voxels that count; None: all.

    Raises:
        CheckpointError: The known voxels do not hold both bone and background.
    """
    chosen = np.ones(truth.shape, dtype=bool) if known is None else known
    x = torch.from_numpy(logits[chosen].astype(np.float64))
    y = torch.from_numpy(truth[chosen].astype(np.float64))
    if not 0 < float(y.sum()) < len(y):
        raise CheckpointError("A calibration needs voxels that are bone and voxels that are not; found one kind only.")
    inputs = torch.stack([x, torch.ones_like(x)])
    numbers = torch.tensor([1.0, 0.0], dtype=torch.float64)
    loss = _loss(inputs, y, numbers)
    for _ in range(_ROUNDS):
        p = torch.sigmoid(numbers @ inputs)
        gradient = inputs @ (p - y) / len(y)
        curvature = (inputs * (p * (1 - p))) @ inputs.T / len(y) + _RIDGE * torch.eye(2, dtype=torch.float64)
        step = torch.linalg.solve(curvature, gradient)
        while (new := _loss(inputs, y, numbers - step)) > loss and step.abs().max() > _CLOSE:
            step = step / 2  # a whole step overshoots where probabilities are close to 0 or 1
        numbers, loss = numbers - step, new
        if step.abs().max() < _CLOSE:
            break
    return Calibration(float(numbers[0]), float(numbers[1]))


def _loss(inputs: torch.Tensor, y: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(numbers @ inputs, y)

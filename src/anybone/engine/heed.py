"""Heed: a slice's logits, bent so that every click on it is obeyed.

A network weighs a click against all else that it sees, and may leave it unheeded. So its logits are read as a smooth
field whose value is known at each click (Gaussian-process regression, Rasmussen and Williams 2006, chapter 2): what
lies near a click, and is about as bright, follows it. Where every click is obeyed already nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.engine.slicing import SliceFrame
from anybone.prompts import Point, Prompt, Scribble

SURE = 3.0  # logits beyond the threshold that a click gets: probability 0.95
REACH = 2.0  # standard deviations of place, as shares of the way from the click to what has its label already
LEAST_REACH_PX, MOST_REACH_PX = 1.5, 12.0
APART = 0.5  # most reach, as a share of the way to the nearest click of the other label
ALIKE = 0.2  # standard deviation of grey value, which runs from 0 to 1 in a volume
_JITTER = 1e-6  # keeps clicks that nearly coincide solvable


@dataclass(frozen=True)
class Clicks:
    """Clicks on one slice.

    Attributes:
        rows_columns: Pixels of the slice, "n 2".
        positive: Whether each lies on bone.
    """

    rows_columns: NDArray[np.int64]
    positive: NDArray[np.bool_]


def clicks_on(prompts: Iterable[Prompt], frame: SliceFrame) -> Clicks:
    """The points and scribbles that lie on a slice; of several on one pixel the last."""
    said: dict[tuple[int, int], bool] = {}
    for prompt in prompts:
        if not isinstance(prompt, Point | Scribble):
            continue
        for ijk in [prompt.ijk] if isinstance(prompt, Point) else prompt.ijk_list:
            where = [round(ijk[axis]) for axis in (frame.axis, *frame.in_plane)]
            if where[0] == frame.index:
                said[where[1], where[2]] = prompt.positive
    return Clicks(np.array(list(said), dtype=np.int64).reshape(-1, 2), np.array(list(said.values()), dtype=np.bool_))


def heed(
    logits: NDArray[np.float32], clicks: Clicks, unit: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """Logits "rows columns" that lie above the threshold at every positive click and below at every negative one.

    Args:
        logits: Of one slice.
        clicks: On that slice.
        unit: Its grey values, in 0..1.
        threshold: What is above is bone.
    """
    at = tuple(clicks.rows_columns.T)
    unheeded = (logits[at] > threshold) != clicks.positive
    if not unheeded.any():
        return logits
    wanted = threshold + np.where(clicks.positive, SURE, -SURE)
    missing = np.where(unheeded, wanted - logits[at], 0.0)
    changes = [
        _likeness(unit, place, reach)
        for place, reach in zip(clicks.rows_columns, _reaches(logits > threshold, clicks), strict=True)
    ]
    among = np.array([one[at] for one in changes]).T
    weights = np.linalg.solve(among + _JITTER * np.eye(len(among)), missing)
    return logits + np.tensordot(weights, changes, 1).astype(np.float32)


def _reaches(bone: NDArray[np.bool_], clicks: Clicks) -> list[float]:
    """For each click the standard deviation, in pixels, of how far around it what it says holds."""
    reaches = []
    for place, positive in zip(clicks.rows_columns, clicks.positive, strict=True):
        to_label = _nearest(np.argwhere(bone == positive), place)
        to_other = _nearest(clicks.rows_columns[clicks.positive != positive], place)
        reach = min(max(REACH * to_label, LEAST_REACH_PX), MOST_REACH_PX)
        reaches.append(min(reach, max(APART * to_other, APART)))
    return reaches


def _nearest(places: NDArray[np.int64], place: NDArray[np.int64]) -> float:
    return float(np.linalg.norm(places - place, axis=1).min()) if len(places) else np.inf


def _likeness(unit: NDArray[np.float32], place: NDArray[np.int64], reach: float) -> NDArray[np.float32]:
    """1 at a click; less the farther away a pixel lies, and the more it differs in grey."""
    rows, columns = np.ogrid[: unit.shape[0], : unit.shape[1]]
    apart = ((rows - place[0]) ** 2 + (columns - place[1]) ** 2) / reach**2
    unlike = ((unit - unit[tuple(place)]) / ALIKE) ** 2
    likeness: NDArray[np.float32] = np.exp(-0.5 * (apart + unlike)).astype(np.float32)
    return likeness

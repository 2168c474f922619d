"""Heed: a click changes what it points at, and nothing else.

A network weighs a click against all else that it sees: it may leave it unheeded, or change its mind about things far
away. So errors that a click reaches by itself are mended without asking it: logits are read as a smooth field whose
value is known at each click (Gaussian-process regression, Rasmussen and Williams 2006, chapter 2), and what lies near,
and is about as bright, follows (`heed`). For what is larger (`beyond_reach`) the network is asked, and of what it would
change only what hangs together with the click is taken (`corrected`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.prompts import Point, Prompt, Scribble
from anybone.inference.slicing import MASK_STRIDE, SliceFrame

SURE = 3.0  # logits beyond the threshold that a click gets: probability 0.95
REACH = 2.0  # standard deviations of place, as shares of the way from the click to what has its label already
LEAST_REACH_PX, MOST_REACH_MM = 1.5, 10.0
APART = 0.5  # most reach, as a share of the way to the nearest click of the other label
ALIKE = 0.2  # standard deviation of gray value, which runs from 0 to 1 in a volume
SURENESS = 0.4  # share of the logits where a bone is pointed at, below which it may end although bone goes on
RIM = 2  # cells of the decoder's grid around what is as sure as that, which are bone of the same
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

    def __len__(self) -> int:
        return len(self.positive)

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], bool]]:
        return zip(self.rows_columns, self.positive.tolist(), strict=True)


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


def beyond_reach(bone: NDArray[np.bool_], clicks: Clicks, spacing_mm: tuple[float, float]) -> Clicks:
    """Those clicks from which it is too far to what has their label already for `heed` to mend what lies between.

    Args:
        bone: What is taken for bone, "rows columns".
        clicks: On that slice.
        spacing_mm: Of rows and of columns.
    """
    far = np.array([_to_label_mm(bone, place, on, spacing_mm) > MOST_REACH_MM / REACH for place, on in clicks])
    return Clicks(clicks.rows_columns[far], clicks.positive[far]) if len(far) else clicks


def corrected(
    before: Float[Tensor, "1 1 h4 w4"],
    after: Float[Tensor, "1 1 h4 w4"],
    clicks: Clicks,
    frame: SliceFrame,
    threshold: float,
) -> Float[Tensor, "1 1 h4 w4"]:
    """The answer before, but where the one after differs from it in a piece that a click touches.

    Args:
        before: Logits on the decoder's grid, without the clicks.
        after: With them.
        clicks: Those that are new.
        frame: Of their slice.
        threshold: What is above is bone.
    """
    changed = ((before > threshold) != (after > threshold))[0, 0].cpu().numpy()
    taken = touching(changed, grid_pixels(clicks.rows_columns, frame, changed.shape))
    return torch.where(torch.from_numpy(taken).to(after.device), after, before)


def touching(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pieces of a mask that share a pixel with another mask; what meets at a corner hangs together."""
    from scipy import ndimage

    pieces, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    return np.isin(pieces, np.setdiff1d(pieces[other], 0))


def around(logits: NDArray[np.float32], cells: NDArray[np.bool_], threshold: float) -> NDArray[np.bool_]:
    """The bone that some cells lie on, cut off from other bone that touches it where the network is much less sure.

    Args:
        logits: On the decoder's grid.
        cells: There.
        threshold: What is above is bone.
    """
    from scipy import ndimage

    bone = logits > threshold
    on = cells & bone
    if not on.any():
        return on
    level = threshold + SURENESS * float((logits[on] - threshold).mean())
    core = touching(logits > level, on)
    return ndimage.binary_dilation(core, np.ones((3, 3)), RIM, mask=bone)  # type: ignore[no-any-return]


def grid_pixels(rows_columns: NDArray[np.int64], frame: SliceFrame, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Where pixels of a slice, "n 2", lie on the decoder's grid, with the pixels around each."""
    from scipy import ndimage

    at = np.zeros(shape, dtype=bool)
    at[tuple(((frame.pixels(rows_columns) + 0.5) / MASK_STRIDE).astype(int).T)] = True
    return ndimage.binary_dilation(at, np.ones((3, 3)))  # type: ignore[no-any-return]


def heed(
    logits: NDArray[np.float32],
    clicks: Clicks,
    normalized: NDArray[np.float32],
    spacing_mm: tuple[float, float],
    threshold: float,
) -> NDArray[np.float32]:
    """Logits "rows columns" that lie above the threshold at every positive click and below at every negative one.

    Args:
        logits: Of one slice.
        clicks: On that slice.
        normalized: Its gray values, in 0..1.
        spacing_mm: Of rows and of columns.
        threshold: What is above is bone.
    """
    at = tuple(clicks.rows_columns.T)
    unheeded = (logits[at] > threshold) != clicks.positive
    if not unheeded.any():
        return logits
    wanted = threshold + np.where(clicks.positive, SURE, -SURE)
    missing = np.where(unheeded, wanted - logits[at], 0.0)
    changes = [
        _likeness(normalized, place, _reach_mm(logits > threshold, clicks, place, on, spacing_mm), spacing_mm)
        for place, on in clicks
    ]
    among = np.array([one[at] for one in changes]).T
    weights = np.linalg.solve(among + _JITTER * np.eye(len(among)), missing)
    return logits + np.tensordot(weights, changes, 1).astype(np.float32)


def _reach_mm(
    bone: NDArray[np.bool_], clicks: Clicks, place: NDArray[np.int64], on: bool, spacing_mm: tuple[float, float]
) -> float:
    """How far around a click what it says holds: a standard deviation."""
    voxel_mm = max(spacing_mm)
    reach = min(REACH * _to_label_mm(bone, place, on, spacing_mm), MOST_REACH_MM)
    to_other = _nearest_mm(clicks.rows_columns[clicks.positive != on], place, spacing_mm)
    return min(max(reach, LEAST_REACH_PX * voxel_mm), max(APART * to_other, APART * voxel_mm))


def _to_label_mm(bone: NDArray[np.bool_], place: NDArray[np.int64], on: bool, spacing_mm: tuple[float, float]) -> float:
    """How far it is from a click to the nearest pixel that has its label already."""
    return _nearest_mm(np.argwhere(bone == on), place, spacing_mm)


def _nearest_mm(places: NDArray[np.int64], place: NDArray[np.int64], spacing_mm: tuple[float, float]) -> float:
    return float(np.linalg.norm((places - place) * spacing_mm, axis=1).min()) if len(places) else np.inf


def _likeness(
    normalized: NDArray[np.float32], place: NDArray[np.int64], reach_mm: float, spacing_mm: tuple[float, float]
) -> NDArray[np.float32]:
    """1 at a click; less the farther away a pixel lies, and the more it differs in gray."""
    rows, columns = ((np.arange(n) - p) * mm for n, p, mm in zip(normalized.shape, place, spacing_mm, strict=True))
    apart = (rows[:, None] ** 2 + columns**2) / reach_mm**2
    unlike = ((normalized - normalized[tuple(place)]) / ALIKE) ** 2
    likeness: NDArray[np.float32] = np.exp(-0.5 * (apart + unlike)).astype(np.float32)
    return likeness

"""Simulated users: clicks that a person who knows the truth would make next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.engine.session import Session
from anybone.prompts import Point

MIN_ERROR_PX = 4  # what is smaller nobody clicks on


def next_clicks(session: Session, truth: NDArray[np.bool_], known: NDArray[np.bool_] | None = None) -> list[Point]:
    """For each slice a click in the middle of the largest piece of its error; none where nothing is wrong.

    Args:
        session: Whose answer is corrected; its axis says what a slice is.
        truth: "i j k", the bone that is wanted.
        known: Where the truth is known; None is everywhere.
    """
    wrong = session.mask != truth
    if known is not None:
        wrong &= known
    points = []
    by_slice = np.moveaxis(wrong, session.axis, 0)
    for index in np.flatnonzero(by_slice.any((1, 2))).tolist():
        middle = _middle_of_largest(by_slice[index])
        if middle is not None:
            i, j, k = np.insert(middle, session.axis, index).tolist()
            points.append(Point((i, j, k), positive=bool(truth[i, j, k])))
    return points


def correct(
    session: Session, truth: NDArray[np.bool_], clicks: int, known: NDArray[np.bool_] | None = None
) -> list[NDArray[np.bool_]]:
    """The masks after 1, 2 ... `clicks` rounds of `next_clicks`."""
    masks = []
    for _ in range(clicks):
        points = next_clicks(session, truth, known)
        if points:
            session.add(*points)
        masks.append(session.mask)
    return masks


def _middle_of_largest(wrong: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    from scipy import ndimage

    labels, count = ndimage.label(wrong)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    if not count or sizes.max() < MIN_ERROR_PX:
        return None
    largest = labels == 1 + int(sizes.argmax())
    depth = ndimage.distance_transform_edt(np.pad(largest, 1))[1:-1, 1:-1]
    return np.asarray(np.unravel_index(depth.argmax(), depth.shape))

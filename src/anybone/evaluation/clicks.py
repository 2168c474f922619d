"""Simulated users: clicks that a person who knows the truth would make next, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anybone.core.prompts import Point
from anybone.interactive.session import Session

MIN_ERROR_PX = 4  # what is smaller nobody clicks on
LAZY_ERROR_PX = 40  # and what is smaller than this a lazy person does not
NOISE_PX = 2.0  # standard deviation of a hand that is in a hurry

Mask = NDArray[np.bool_]
Place = NDArray[np.int64]  # row, column of a slice
User = Callable[[Mask, np.random.Generator], "tuple[Place, Place] | None"]
Per = Literal["slice", "volume"]


def center(wrong: Mask, rng: np.random.Generator) -> tuple[Place, Place] | None:
    """Return the middle of the largest component of the error."""
    return _twice(_middle(_largest(wrong, MIN_ERROR_PX)))


def anywhere(wrong: Mask, rng: np.random.Generator) -> tuple[Place, Place] | None:
    """Any voxel of the largest piece of what is wrong."""
    piece = _largest(wrong, MIN_ERROR_PX)
    return None if piece is None else _twice(rng.choice(np.argwhere(piece)))


def noisy(wrong: Mask, rng: np.random.Generator) -> tuple[Place, Place] | None:
    """Return the middle, displaced by two pixels on average, even onto pixels without error."""
    meant = _middle(_largest(wrong, MIN_ERROR_PX))
    if meant is None:
        return None
    hit = np.rint(meant + rng.normal(0, NOISE_PX, 2)).astype(np.int64)
    return meant, hit.clip(0, np.array(wrong.shape) - 1)


def lazy(wrong: Mask, rng: np.random.Generator) -> tuple[Place, Place] | None:
    """Return the middle of the largest component if it has at least 40 pixels."""
    return _twice(_middle(_largest(wrong, LAZY_ERROR_PX)))


# What is wrong on a slice -> the voxel that is meant, and the one that is clicked; None: nothing worth a click.
USERS: Mapping[str, User] = {"center": center, "anywhere": anywhere, "noisy": noisy, "lazy": lazy}


@dataclass(frozen=True)
class Curve:
    """Dice after each round of clicks.

    Attributes:
        dsc: Dice of the volume: before the first round, then after each.
        clicks: That had been made by then.
    """

    dsc: tuple[float, ...]
    clicks: tuple[int, ...]

    @property
    def area(self) -> float:
        """Under the curve of Dice over rounds, as a share of what it could be: 1 is right from the start."""
        middles = [(a + b) / 2 for a, b in pairwise(self.dsc)]
        return sum(middles) / len(middles) if middles else self.dsc[0]

    def rounds_to(self, dsc: float) -> int | None:
        """After how many rounds a Dice was reached; None: not at all."""
        return next((n for n, value in enumerate(self.dsc) if value >= dsc), None)


def click_curve(
    session: Session,
    truth: Mask,
    rounds: int,
    user: str = "center",
    *,
    per: Per = "slice",
    known: Mask | None = None,
    seed: int = 0,
) -> Curve:
    """Dice of a session's answer while a simulated user corrects it; it ends early where nothing is left to click.

    Args:
        session: Session at the start: empty, or after `automatic()`.
        truth: "i j k", the bone that is wanted.
        rounds: At most.
        user: A key of `USERS`.
        per: Whether a round is a click on each slice that is wrong, or one click in the volume.
        known: Mask of voxels with known reference; None: all.
        seed: For users that draw.
    """
    rng = np.random.default_rng(seed)
    dsc, clicks = [_dice(session.mask, truth, known)], [0]
    for _ in range(rounds):
        points = next_clicks(session, truth, known, user, rng, per)
        if points:
            session.add(*points)
        dsc.append(_dice(session.mask, truth, known) if points else dsc[-1])
        clicks.append(clicks[-1] + len(points))
    return Curve(tuple(dsc), tuple(clicks))


def next_clicks(
    session: Session,
    truth: Mask,
    known: Mask | None = None,
    user: str = "center",
    rng: np.random.Generator | None = None,
    per: Per = "slice",
) -> list[Point]:
    """Return the next click of each slice; none where there is no error.

    Args:
        session: Whose answer is corrected; its axis says what a slice is.
        truth: "i j k", the bone that is wanted.
        known: Mask of voxels with known reference; None: all.
        user: A key of `USERS`.
        rng: For users that draw.
        per: With "volume" only on the slice with the largest piece of what is wrong.
    """
    wrong = session.mask != truth
    if known is not None:
        wrong &= known
    rng = rng or np.random.default_rng(0)
    slices = np.moveaxis(wrong, session.axis, 0)
    found = np.flatnonzero(slices.any((1, 2))).tolist()
    if per == "volume" and found:
        found = [max(found, key=lambda index: _size_of_largest(slices[index]))]
    return list(_points(slices, found, truth, session.axis, USERS[user], rng))


def _points(
    slices: Mask, indices: list[int], truth: Mask, axis: int, user: User, rng: np.random.Generator
) -> Iterator[Point]:
    for index in indices:
        clicked = user(slices[index], rng)
        if clicked is not None:
            meant, (i, j, k) = (tuple(np.insert(place, axis, index).tolist()) for place in clicked)
            yield Point((i, j, k), positive=bool(truth[meant]))


def correct(session: Session, truth: Mask, clicks: int, known: Mask | None = None) -> list[Mask]:
    """Yield the masks after 1, 2 ... `clicks` rounds of clicks in the middle of errors, one per slice."""
    masks = []
    for _ in range(clicks):
        points = next_clicks(session, truth, known)
        if points:
            session.add(*points)
        masks.append(session.mask)
    return masks


def _dice(mask: Mask, truth: Mask, known: Mask | None) -> float:
    mask = mask if known is None else mask & known
    truth = truth if known is None else truth & known
    total = int(mask.sum()) + int(truth.sum())
    return 2 * int((mask & truth).sum()) / total if total else 1.0


def _largest(wrong: Mask, least_px: int) -> Mask | None:
    """Return the largest component, connected by edges; None where it is smaller than `least_px`."""
    from scipy import ndimage

    labels, count = ndimage.label(wrong)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    if not count or sizes.max() < least_px:
        return None
    return np.asarray(labels == 1 + int(sizes.argmax()))


def _size_of_largest(wrong: Mask) -> int:
    piece = _largest(wrong, 1)
    return 0 if piece is None else int(piece.sum())


def _middle(piece: Mask | None) -> Place | None:
    from scipy import ndimage

    if piece is None:
        return None
    depth = ndimage.distance_transform_edt(np.pad(piece, 1))[1:-1, 1:-1]
    return np.asarray(np.unravel_index(depth.argmax(), depth.shape))


def _twice(place: Place | None) -> tuple[Place, Place] | None:
    return None if place is None else (place, place)

"""Islands that prompts ask for, on one slice: which candidates, and what grows where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from anybone.inference.classical.cortex import (
    LARGE_SHARE,
    Image,
    Island,
    Mask,
    Slice,
    choose,
    find_islands,
    with_cortex,
)

_SURE_SCORE = 0.32  # an island is bone by itself: chosen with the constants in `cortex`
_ASKED_SCORE = 0.08  # an island is bone where someone points at it
_INSIDE_BOX = 0.7  # share of a bone that must lie in a box to be what the box means
_SAME_BONE = 0.3  # IoU with a mask prompt above which a bone is the one that the mask means
_TOLERANCES = (0.35, 0.25, 0.15, 0.08)  # of the signal at a click; the widest that does not leak is taken
_GROWTH_PX = 20  # and where all leak, as far as this from the click

Place = tuple[int, int]  # row, column


@dataclass(frozen=True)
class Prompts:
    """Prompts of one slice, in rows and columns of its grid.

    Attributes:
        keep: Places on bone.
        drop: Places that are not bone.
        boxes: Two corners each, around one bone.
        mask: A rough mask of what is meant.
    """

    keep: list[Place] = field(default_factory=list)
    drop: list[Place] = field(default_factory=list)
    boxes: list[tuple[Place, Place]] = field(default_factory=list)
    mask: Mask | None = None


@dataclass(frozen=True)
class _Bone:
    """An island with its cortex, on the whole slice."""

    mask: Mask
    score: float

    def holds(self, places: list[Place]) -> bool:
        return any(self.mask[place] for place in places)


def segment(seen: Slice, prompts: Prompts) -> tuple[Mask, float]:
    """Bone on a slice and the mean score of its pieces: all there is, or only what is asked for."""
    if prompts.keep:
        bones = _at_points(seen, prompts)
    elif prompts.boxes:
        bones = _in_boxes(seen, prompts)
    elif prompts.mask is not None:
        bones = _like_mask(seen, prompts.mask, prompts)
    else:
        islands = choose(find_islands(seen, _SURE_SCORE), seen.image.shape)
        bones = [bone for bone in _bones(seen, islands) if not bone.holds(prompts.drop)]
    mask = np.zeros(seen.image.shape, dtype=bool)
    for bone in bones:
        mask |= bone.mask
    if prompts.boxes:
        mask &= _filled(prompts.boxes, seen.image.shape)
    return mask, float(np.mean([bone.score for bone in bones])) if bones else 0.0


def _bones(seen: Slice, islands: list[Island]) -> Iterator[_Bone]:
    for island in islands:
        whole = np.zeros(seen.image.shape, dtype=bool)
        whole[island.box] = with_cortex(seen, island)
        yield _Bone(whole, island.score)


def _candidates(seen: Slice, prompts: Prompts, places: list[Place]) -> list[_Bone]:
    """Bones near any of the places that hold no place that is not bone."""
    near = [
        island
        for island in find_islands(seen, _ASKED_SCORE)
        if any(
            r.start <= row < r.stop and c.start <= column < c.stop for row, column in places for r, c in [island.box]
        )
    ]
    return [bone for bone in _bones(seen, near) if not bone.holds(prompts.drop)]


def _at_points(seen: Slice, prompts: Prompts) -> list[_Bone]:
    """For each place the best bone there; the one most like the mask prompt, where there is one."""
    candidates = _candidates(seen, prompts, prompts.keep)
    chosen: list[_Bone] = []
    for place in prompts.keep:
        if any(bone.mask[place] for bone in chosen):
            continue
        here = [bone for bone in candidates if bone.mask[place]]
        if here:
            chosen.append(max(here, key=lambda b: b.score if prompts.mask is None else _iou(b.mask, prompts.mask)))
        else:
            chosen.append(_grown(seen.image, place, prompts.drop))
    return chosen


def _in_boxes(seen: Slice, prompts: Prompts) -> list[_Bone]:
    """For each box the bone that fills it best."""
    chosen = []
    for box in prompts.boxes:
        frame = _filled([box], seen.image.shape)
        middle = ((box[0][0] + box[1][0]) // 2, (box[0][1] + box[1][1]) // 2)
        inside = [
            bone
            for bone in _candidates(seen, prompts, [middle])
            if (bone.mask & frame).sum() >= _INSIDE_BOX * bone.mask.sum()
        ]
        if inside:
            chosen.append(max(inside, key=lambda bone: _iou(_bounds(bone.mask), frame)))
    return chosen


def _like_mask(seen: Slice, mask: Mask, prompts: Prompts) -> list[_Bone]:
    """For each piece of a mask the bone most like it, if any is like it at all."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    chosen = []
    for label in range(1, count + 1):
        piece = labels == label
        middle = ndimage.center_of_mass(piece)
        candidates = _candidates(seen, prompts, [(round(middle[0]), round(middle[1]))])
        best = max(candidates, key=lambda bone: _iou(bone.mask, piece), default=None)
        if best and _iou(best.mask, piece) >= _SAME_BONE:
            chosen.append(best)
    return chosen


def _grown(image: Image, place: Place, drop: list[Place]) -> _Bone:
    """The connected region around a place whose signal is like that at the place."""
    from scipy import ndimage

    signal = float(image[place])
    region = np.zeros(image.shape, dtype=bool)
    for tolerance in _TOLERANCES:
        labels, _ = ndimage.label(np.abs(image - signal) <= tolerance * max(signal, 0.05))
        region = np.asarray(labels == labels[place])
        leaks = region.sum() > LARGE_SHARE * max(image.shape) ** 2 or any(region[p] for p in drop)
        if not leaks:
            break
    else:
        rows, columns = np.indices(image.shape)
        region &= np.hypot(rows - place[0], columns - place[1]) <= _GROWTH_PX
    whole: Mask = ndimage.binary_fill_holes(ndimage.binary_closing(region) | region)
    for other in drop:
        whole[other] = False
    return _Bone(whole, _ASKED_SCORE)


def _filled(boxes: list[tuple[Place, Place]], shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, dtype=bool)
    for (top, left), (bottom, right) in boxes:
        mask[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = True
    return mask


def _bounds(mask: Mask) -> Mask:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return _filled([((int(rows[0]), int(columns[0])), (int(rows[-1]), int(columns[-1])))], mask.shape)


def _iou(first: Mask, second: Mask) -> float:
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0

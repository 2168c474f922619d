"""Selection of islands on one slice by prompts, and region growing where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from anybone.inference.classical.cortex import (
    LARGE_FRACTION,
    Image,
    Island,
    Mask,
    SliceFeatures,
    choose,
    find_islands,
    with_cortex,
)

_AUTOMATIC_SCORE = 0.32  # minimum without prompts: chosen with the constants in `cortex`
_PROMPTED_SCORE = 0.08  # minimum at a prompt
_INSIDE_BOX = 0.7  # fraction of a bone inside a box from which the box selects it
_SAME_BONE = 0.3  # IoU with a mask prompt from which the mask selects a bone
_TOLERANCES = (0.35, 0.25, 0.15, 0.08)  # of the signal at a click; the widest that does not leak is used
_GROWTH_PX = 20  # maximum distance from the click if all leak

Place = tuple[int, int]  # row, column


@dataclass(frozen=True)
class Prompts:
    """Prompts of one slice, in rows and columns of its grid.

    Attributes:
        keep: Pixels on bone.
        drop: Pixels of background.
        boxes: Two corners of a box around one bone.
        mask: Rough mask of the bone.
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


def segment(features: SliceFeatures, prompts: Prompts) -> tuple[Mask, float]:
    """Return bone on a slice and the mean score of its islands: all bone, or the bone that prompts select."""
    if prompts.keep:
        bones = _at_points(features, prompts)
    elif prompts.boxes:
        bones = _in_boxes(features, prompts)
    elif prompts.mask is not None:
        bones = _like_mask(features, prompts.mask, prompts)
    else:
        islands = choose(find_islands(features, _AUTOMATIC_SCORE), features.image.shape)
        bones = [bone for bone in _bones(features, islands) if not bone.holds(prompts.drop)]
    mask = np.zeros(features.image.shape, dtype=bool)
    for bone in bones:
        mask |= bone.mask
    if prompts.boxes:
        mask &= _filled(prompts.boxes, features.image.shape)
    return mask, float(np.mean([bone.score for bone in bones])) if bones else 0.0


def _bones(features: SliceFeatures, islands: list[Island]) -> Iterator[_Bone]:
    for island in islands:
        whole = np.zeros(features.image.shape, dtype=bool)
        whole[island.box] = with_cortex(features, island)
        yield _Bone(whole, island.score)


def _candidates(features: SliceFeatures, prompts: Prompts, places: list[Place]) -> list[_Bone]:
    """Return bones near any of the pixels that contain no background pixel."""
    near = [
        island
        for island in find_islands(features, _PROMPTED_SCORE)
        if any(
            r.start <= row < r.stop and c.start <= column < c.stop for row, column in places for r, c in [island.box]
        )
    ]
    return [bone for bone in _bones(features, near) if not bone.holds(prompts.drop)]


def _at_points(features: SliceFeatures, prompts: Prompts) -> list[_Bone]:
    """Return the best bone at each pixel, or the most similar one to the mask prompt, if there is one."""
    candidates = _candidates(features, prompts, prompts.keep)
    chosen: list[_Bone] = []
    for place in prompts.keep:
        if any(bone.mask[place] for bone in chosen):
            continue
        here = [bone for bone in candidates if bone.mask[place]]
        if here:
            chosen.append(max(here, key=lambda b: b.score if prompts.mask is None else _iou(b.mask, prompts.mask)))
        else:
            chosen.append(_grown(features.image, place, prompts.drop))
    return chosen


def _in_boxes(features: SliceFeatures, prompts: Prompts) -> list[_Bone]:
    """Return the bone that fills each box best."""
    chosen = []
    for box in prompts.boxes:
        frame = _filled([box], features.image.shape)
        middle = ((box[0][0] + box[1][0]) // 2, (box[0][1] + box[1][1]) // 2)
        inside = [
            bone
            for bone in _candidates(features, prompts, [middle])
            if (bone.mask & frame).sum() >= _INSIDE_BOX * bone.mask.sum()
        ]
        if inside:
            chosen.append(max(inside, key=lambda bone: _iou(_bounds(bone.mask), frame)))
    return chosen


def _like_mask(features: SliceFeatures, mask: Mask, prompts: Prompts) -> list[_Bone]:
    """Return the most similar bone to each component of a mask, if its IoU is sufficient."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    chosen = []
    for label in range(1, count + 1):
        component = labels == label
        middle = ndimage.center_of_mass(component)
        candidates = _candidates(features, prompts, [(round(middle[0]), round(middle[1]))])
        best = max(candidates, key=lambda bone: _iou(bone.mask, component), default=None)
        if best and _iou(best.mask, component) >= _SAME_BONE:
            chosen.append(best)
    return chosen


def _grown(image: Image, place: Place, drop: list[Place]) -> _Bone:
    """Return the connected region around a pixel with similar signal."""
    from scipy import ndimage

    signal = float(image[place])
    region = np.zeros(image.shape, dtype=bool)
    for tolerance in _TOLERANCES:
        labels, _ = ndimage.label(np.abs(image - signal) <= tolerance * max(signal, 0.05))
        region = np.asarray(labels == labels[place])
        leaks = region.sum() > LARGE_FRACTION * max(image.shape) ** 2 or any(region[p] for p in drop)
        if not leaks:
            break
    else:
        rows, columns = np.indices(image.shape)
        region &= np.hypot(rows - place[0], columns - place[1]) <= _GROWTH_PX
    whole: Mask = ndimage.binary_fill_holes(ndimage.binary_closing(region) | region)
    for other in drop:
        whole[other] = False
    return _Bone(whole, _PROMPTED_SCORE)


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

"""Divide the images of one series into volumes.

A series can hold several stacks (three planes of a localizer, blocks at disc angles, both knees, two stations) and
several volumes on one stack (echoes, time points, diffusion directions). Stacks are divided first, by geometry, then
volumes by the properties of their headers, and last by InstanceNumber.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.io.dicom.images import SPLITS, Image
from anybone.io.dicom.positions import fit_line, normal_of, places_of, positions_of
from anybone.io.dicom.stack import COSINE_TOLERANCE, SPACING_RTOL, cluster

LEAST_SLICES = 3  # fewer parallel images than this are taken for a localizer or a key image, unless chosen

_WIDE_RATIO = 1.4  # to the smaller neighboring gap, above which a gap separates two stacks or holds a missing slice
_MISSING_SLICES = 2  # a gap that fits up to this many slices counts as a hole, unless instance numbers say otherwise
_INTEGER_TOLERANCE = 0.1
_STATION_MM = 5.0  # offset in the plane between consecutive slices above which they are of different stations
_STATION_RATIO = 1.5  # the same, as a multiple of the slice distance
_PERPENDICULAR = 0.7  # cosine between normals below which planes count as those of a localizer

Images = tuple[Image, ...]


@dataclass(frozen=True)
class Part:
    """The images of one volume.

    Attributes:
        label: Name within the series, such as "stack1-echo2"; empty if the series is one volume.
        images: The images, in the order of the files.
        words: The label in words.
        localizer: True if the series holds stacks in planes perpendicular to one another.
        notes: Notes on what is missing.
    """

    label: str
    images: Images
    words: str
    localizer: bool = False
    notes: tuple[str, ...] = ()


def split(images: Sequence[Image]) -> list[Part]:
    """Return the volumes of one series in order of their labels."""
    stacks = _stacks(tuple(images))
    localizer = _has_perpendicular_planes([members for _, members in stacks])
    return [
        Part(
            "-".join(filter(None, (stack, volume.label))),
            volume.images,
            " ".join(filter(None, (stack, volume.words))),
            localizer,
            volume.notes,
        )
        for stack, members in stacks
        for volume in _volumes(members)
    ]


def without_copies(images: Sequence[Image]) -> tuple[Images, tuple[str, ...]]:
    """Return the images without exact copies, and a note on those.

    A copy shares SOPInstanceUID and all that tells images apart; where an anonymizer gave one UID to all images,
    these stay.
    """
    first: dict[Any, Image] = {}
    copies = []
    for image in images:
        position = None if image.position is None else tuple(image.position)
        key = (image.instance_uid or id(image), image.frame, image.series_uid, image.series_number, image.number)
        known = first.setdefault((*key, position, image.rows, image.columns, tuple(image.splits.values())), image)
        if known is not image:
            copies.append(image)
    if not copies:
        return tuple(images), ()
    shown = ", ".join(image.name for image in copies[:3]) + (", ..." if len(copies) > 3 else "")
    count = (
        "1 image that is a copy of another" if len(copies) == 1 else f"{len(copies)} images that are copies of others"
    )
    return tuple(first.values()), (f"Skipped {count} (same SOPInstanceUID): {shown}.",)


# --- stacks


def _stacks(images: Images) -> list[tuple[str, Images]]:
    """Return the stacks of a series with their labels; the label is empty if there is only one."""
    parts = [line for alike in _alike(images) for line in _lines(alike)]
    if len(parts) == 1 or max(len(part) for part in parts) < 2:
        return [("", images)]
    parts.sort(key=_first_number)
    ids = [{image.stack_id for image in part} for part in parts]
    own = [str(next(iter(found))).removesuffix(".0") for found in ids if len(found) == 1 and None not in found]
    if len(own) == len(set(own)) == len(parts) and all(name.isdecimal() for name in own):
        return sorted(((f"stack{name}", part) for name, part in zip(own, parts, strict=True)), key=_natural)
    return [(f"stack{n}", part) for n, part in enumerate(parts, 1)]


def _natural(item: tuple[str, Images]) -> int:
    return int(item[0].removeprefix("stack"))


def _first_number(images: Images) -> float:
    return min((image.number for image in images if image.number is not None), default=np.inf)


def _alike(images: Images) -> list[Images]:
    """Divide images by what all slices of one stack share: kind, matrix, pixel spacing and orientation."""
    spacings = [im.spacing or (0.0, 0.0) for im in images]
    cosines = [np.zeros(6) if im.orientation is None else im.orientation.ravel() for im in images]
    kinds = [
        (im.gray, bool(im.tiled), im.position is None, im.orientation is None, im.spacing is None, im.rows, im.columns)
        for im in images
    ]
    keys = np.column_stack(
        [
            cluster(np.array(kinds, dtype=np.float64)),
            cluster(np.array(spacings), rtol=SPACING_RTOL),
            cluster(np.array(cosines), atol=COSINE_TOLERANCE),
        ]
    )
    return _grouped(images, cluster(keys.astype(np.float64)))


def _lines(images: Images) -> list[Images]:
    """Divide parallel images into lines of equidistant slices; one part if that gives no stack of slices."""
    if images[0].position is None or images[0].orientation is None or _is_even(images):
        return [images]
    by_id = _by_stack_id(images)
    if len(by_id) > 1:
        return [line for part in by_id for line in _lines(part)]
    parts = [line for station in _stations(images) for line in _between_gaps(station)]
    return parts if max(len(part) for part in parts) >= LEAST_SLICES else [images]


def _is_even(images: Images) -> bool:
    """Return whether the places of parallel images are equidistant on one line."""
    normal = normal_of(images[0])
    positions = _places(images, places_of(images))
    return len(positions) == 1 or fit_line(positions, normal).is_even


def _places(images: Images, numbers: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return one position for each place."""
    _, first = np.unique(numbers, return_index=True)
    return positions_of(images)[first]


def _by_stack_id(images: Images) -> list[Images]:
    """Divide images by StackID, unless the stacks share places or are single images."""
    parts: dict[Any, list[Image]] = defaultdict(list)
    for image in images:
        parts[image.stack_id].append(image)
    places: dict[int, set[Any]] = defaultdict(set)
    for image, place in zip(images, places_of(images), strict=True):
        places[int(place)].add(image.stack_id)
    if max(len(part) for part in parts.values()) < 2 or max(len(ids) for ids in places.values()) > 1:
        return [images]
    return [tuple(part) for part in parts.values()]


def _stations(images: Images) -> list[Images]:
    """Divide parallel images by their offset in the plane, between consecutive ones of which is a wide gap."""
    assert images[0].orientation is not None
    thickness = max((image.thickness or 0.0 for image in images), default=0.0)
    widest = max(_STATION_MM, _STATION_RATIO * thickness)
    for axis in images[0].orientation:
        offsets = positions_of(images) @ axis
        order = np.argsort(offsets, kind="stable")
        numbers = np.zeros(len(images), dtype=np.intp)
        numbers[order[1:]] = np.cumsum(np.diff(offsets[order]) > widest)
        if numbers.any():
            return [station for part in _grouped(images, numbers) for station in _stations(part)]
    return [images]


def _between_gaps(images: Images) -> list[Images]:
    """Divide one line of parallel images at wide gaps that are not missing slices."""
    numbers = places_of(images)
    along = _places(images, numbers) @ normal_of(images[0])
    gaps = np.diff(along)
    if len(gaps) < 2:
        return [images]
    before, after = np.append(gaps[1], gaps[:-1]), np.append(gaps[1:], gaps[-2])
    wide = np.flatnonzero(gaps > _WIDE_RATIO * np.minimum(before, after))
    counted = _counted(images, numbers)
    breaks = [at for at in wide if _separates_stacks(int(at), gaps, wide, counted)]
    part_of_place = np.zeros(len(along), dtype=np.intp)
    part_of_place[np.array(breaks, dtype=np.intp) + 1] = 1
    return _grouped(images, np.cumsum(part_of_place)[numbers])


def _separates_stacks(at: int, gaps: NDArray[np.float64], wide: NDArray[np.intp], counted: NDArray[np.float64]) -> bool:
    """Return whether a wide gap is the space between two stacks, and no hole where slices are missing.

    A hole fits a whole number of slices. If the slices are numbered in order of position, the numbers jump at a hole
    by as many; at the space between two stacks they do not.

    Args:
        at: Number of the gap.
        gaps: All gaps in mm.
        wide: Numbers of the wide gaps.
        counted: Instance number at each place; NaN if unknown.
    """
    edges = [-1, *wide.tolist(), len(gaps)]
    here = edges.index(at)
    left, right = gaps[edges[here - 1] + 1 : at], gaps[at + 1 : edges[here + 1]]
    usual = min((float(np.median(run)) for run in (left, right) if run.size), default=0.0)
    if usual <= 0 or gaps[at] <= _WIDE_RATIO * usual:
        return False
    ratio = gaps[at] / usual
    slices = round(ratio)
    fits = abs(ratio - slices) <= _INTEGER_TOLERANCE
    few = fits and slices <= _MISSING_SLICES + 1
    short = min(len(left), len(right)) + 1 < LEAST_SLICES
    jumps = np.diff(counted)
    inside = np.delete(jumps, wide)
    if inside.size and np.isfinite(jumps).all() and inside[0] != 0 and (np.abs(inside) == abs(inside[0])).all():
        return not (fits and abs(jumps[at]) == abs(inside[0]) * slices) and not (few and short)
    return not few and not short


def _counted(images: Images, places: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return for each place the lowest instance number, or frame number within one file; NaN if one is unknown."""
    numbers = np.array([image.number if image.frame is None else image.frame for image in images], dtype=np.float64)
    lowest = np.full(int(places.max()) + 1, np.inf)
    np.minimum.at(lowest, places, numbers)
    return lowest


def _has_perpendicular_planes(stacks: Sequence[Images]) -> bool:
    normals = np.array([normal_of(stack[0]) for stack in stacks if stack[0].orientation is not None]).reshape(-1, 3)
    return bool((np.abs(normals @ normals.T) < _PERPENDICULAR).any())


def _grouped(images: Images, numbers: NDArray[np.intp]) -> list[Images]:
    return [tuple(images[n] for n in np.flatnonzero(numbers == number)) for number in np.unique(numbers)]


# --- volumes of one stack


def _volumes(images: Images) -> list[Part]:
    """Return the volumes on one stack: images at the same place belong to different ones.

    A property divides them if it has no more values than there are images at one place, and its values cover the same
    places. The echo number of a double echo has two values; a trigger time that differs from slice to slice has many
    and divides nothing.
    """
    whole = Part("", images, "")
    if any(image.position is None or image.orientation is None for image in images):
        return [whole]
    places = places_of(images)
    depth = int(np.bincount(places).max())
    if depth == 1:
        return [whole]
    for name in SPLITS:
        parts: dict[Any, list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            parts[image.splits[name]].append(index)
        if _divides(list(parts.values()), places, depth):
            return _divided(name, parts, images, places)
    return _in_order(images, places, depth) or [whole]


def _divides(parts: Sequence[list[int]], places: NDArray[np.intp], depth: int) -> bool:
    """Return whether the parts are volumes: most cover all places, and each holds fewer images at a place."""
    if not 1 < len(parts) <= depth:
        return False
    counts = [np.bincount(places[part], minlength=int(places.max()) + 1) for part in parts]
    full = sum(bool(count.all()) for count in counts)
    return max(int(count.max()) for count in counts) < depth and 2 * full > len(parts)


def _divided(name: str, parts: dict[Any, list[int]], images: Images, places: NDArray[np.intp]) -> list[Part]:
    labels = _labels(name, list(parts))
    total = int(places.max()) + 1
    result = []
    for value in sorted(parts, key=_sortable):
        covered = len(set(places[parts[value]].tolist()))
        note = f"It has images at {covered} of the {total} places that other volumes of the series cover."
        for inner in _volumes(tuple(images[n] for n in parts[value])):
            label = "-".join(filter(None, (labels[value], inner.label)))
            words = " ".join(filter(None, (labels[value], inner.words)))
            notes = (*((note,) if covered < total else ()), *inner.notes)
            result.append(Part(label, inner.images, words, notes=notes))
    return result


def _in_order(images: Images, places: NDArray[np.intp], depth: int) -> list[Part]:
    """Return as n-th volume the n-th image at each place, by instance number and then by time.

    Returns:
        No part if places hold different numbers of images, or if the order is not known.
    """
    if (np.bincount(places) != depth).any():
        return []
    volumes: list[list[int]] = [[] for _ in range(depth)]
    for place in range(int(places.max()) + 1):
        here = sorted(np.flatnonzero(places == place).tolist(), key=lambda n: _order(images[n]))
        if len({_order(images[n]) for n in here}) < depth:
            return []
        for volume, index in zip(volumes, here, strict=True):
            volume.append(index)
    return [
        Part(str(n), tuple(images[i] for i in sorted(volume)), f"volume {n} of {depth}")
        for n, volume in enumerate(volumes, 1)
    ]


def _order(image: Image) -> tuple[float, float, int]:
    unknown = -1.0
    return (
        unknown if image.number is None else image.number,
        unknown if image.acquired is None else image.acquired,
        -1 if image.frame is None else image.frame,
    )


def _labels(name: str, values: list[Any]) -> dict[Any, str]:
    """Return a short name for each value: "echo2", or for image types the words in which they differ."""
    lists = [set(v) for v in values if isinstance(v, tuple)]
    shared = set.intersection(*lists) if lists else set()
    labels: dict[Any, str] = {}
    for n, value in enumerate(values, start=1):
        if isinstance(value, tuple):
            labels[value] = "-".join(w.lower() for w in value if w not in shared) or f"{name}{n}"
        elif isinstance(value, float):
            labels[value] = f"{name}{value:g}"
        else:
            labels[value] = str(value).lower() if name == "component" and value else f"{name}{value or n}"
    return labels


def _sortable(value: Any) -> tuple[str, Any]:
    """Return a key that orders values of differing type: none, numbers, texts, several texts."""
    return ("", 0) if value is None else (type(value).__name__, value)

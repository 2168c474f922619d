"""Prompts: what a person points at, always in voxel indices of the source volume.

`from_world_mm` is the only other way in. Indices may be fractional; a prompt belongs to the slice nearest to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anybone.core.errors import PromptError
from anybone.core.geometry import Geometry

Ijk = tuple[float, float, float]


def _index(value: ArrayLike, what: str) -> Ijk:
    index = np.asarray(value, dtype=np.float64)
    if index.shape != (3,) or not np.isfinite(index).all():
        raise PromptError(f"{what} needs three finite numbers i, j, k; found {np.asarray(value).tolist()}.")
    return (float(index[0]), float(index[1]), float(index[2]))


@dataclass(frozen=True)
class Point:
    """A click: on bone where `positive`, on something else where not."""

    ijk: Ijk
    positive: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "ijk", _index(self.ijk, "A point"))

    @classmethod
    def from_world_mm(cls, geometry: Geometry, ras_mm: ArrayLike, positive: bool = True) -> Point:
        """Return the point at a world position in RAS+ mm."""
        return cls(_index(geometry.to_voxel(ras_mm), "A point"), positive)


@dataclass(frozen=True)
class Box:
    """A box around one bone, both corners included; it acts on every slice it spans."""

    min_ijk: Ijk
    max_ijk: Ijk

    def __post_init__(self) -> None:
        low, high = np.array(_index(self.min_ijk, "A box corner")), np.array(_index(self.max_ijk, "A box corner"))
        object.__setattr__(self, "min_ijk", _index(np.minimum(low, high), "A box corner"))
        object.__setattr__(self, "max_ijk", _index(np.maximum(low, high), "A box corner"))

    @classmethod
    def from_world_mm(cls, geometry: Geometry, first_ras_mm: ArrayLike, second_ras_mm: ArrayLike) -> Box:
        """Return the voxel box with opposite corners at two world positions in RAS+ mm."""
        return cls(
            _index(geometry.to_voxel(first_ras_mm), "A box corner"),
            _index(geometry.to_voxel(second_ras_mm), "A box corner"),
        )


@dataclass(frozen=True)
class Scribble:
    """A freehand line through voxels, on bone where `positive`."""

    ijk_list: tuple[Ijk, ...]
    positive: bool = True

    def __post_init__(self) -> None:
        points = tuple(_index(p, "A scribble point") for p in self.ijk_list)
        if not points:
            raise PromptError("A scribble needs at least one point; it has none.")
        object.__setattr__(self, "ijk_list", points)

    @classmethod
    def from_world_mm(cls, geometry: Geometry, ras_mm: Sequence[ArrayLike], positive: bool = True) -> Scribble:
        """Return the scribble through world positions in RAS+ mm."""
        return cls(tuple(_index(geometry.to_voxel(p), "A scribble point") for p in ras_mm), positive)


@dataclass(frozen=True, eq=False)
class MaskHint:
    """A rough mask of one slice, to start from.

    Args:
        mask: bool, the slice's two in-plane array axes in ascending order.
        index: Which slice along `axis`.
        axis: The array axis that the slices are stacked along.
    """

    mask: NDArray[np.bool_]
    index: int
    axis: int = 2

    def __post_init__(self) -> None:
        mask = np.asarray(self.mask) > 0
        if mask.ndim != 2 or not mask.any():
            raise PromptError(f"A mask prompt is a 2-D mask with something in it; found shape {mask.shape}, empty.")
        if self.axis not in (0, 1, 2):
            raise PromptError(f"A mask prompt's axis is 0, 1 or 2; found {self.axis}.")
        object.__setattr__(self, "mask", mask)

    @classmethod
    def from_mask(cls, mask_ijk: NDArray[np.generic], axis: int) -> list[MaskHint]:
        """One hint for every slice along `axis` in which a 3-D mask "i j k" has something."""
        slices = np.moveaxis(np.asarray(mask_ijk) > 0, axis, 0)
        return [cls(m, k, axis) for k, m in enumerate(slices) if m.any()]


@dataclass(frozen=True)
class Lasso:
    """A closed polygon on one slice, drawn loosely around one bone.

    Args:
        ijk_list: Its corners in order, three or more; the last is joined to the first.
    """

    ijk_list: tuple[Ijk, ...]

    def __post_init__(self) -> None:
        corners = tuple(_index(p, "A lasso's corner") for p in self.ijk_list)
        if len(set(corners)) < 3:
            raise PromptError(f"A lasso needs three corners or more; it has {len(set(corners))}. Draw around the bone.")
        if not any(len({round(c[axis]) for c in corners}) == 1 for axis in range(3)):
            raise PromptError("A lasso lies on one slice, but its corners share no index i, j or k.")
        object.__setattr__(self, "ijk_list", corners)

    @classmethod
    def from_world_mm(cls, geometry: Geometry, ras_mm: Sequence[ArrayLike]) -> Lasso:
        """Return the lasso through world positions in RAS+ mm."""
        return cls(tuple(_index(geometry.to_voxel(p), "A lasso's corner") for p in ras_mm))


Prompt = Point | Box | Scribble | MaskHint | Lasso


def check_inside(prompts: Iterable[Prompt], geometry: Geometry) -> None:
    """Raise an error if a prompt is outside the grid.

    Raises:
        PromptError: A prompt is outside; the message gives the prompt and the grid.
    """
    for prompt in prompts:
        if isinstance(prompt, MaskHint):
            in_plane = tuple(n for a, n in enumerate(geometry.shape_ijk) if a != prompt.axis)
            if prompt.mask.shape != in_plane or not 0 <= prompt.index < geometry.shape_ijk[prompt.axis]:
                raise PromptError(
                    f"A mask prompt of shape {prompt.mask.shape} on slice {prompt.index} does not fit a volume of "
                    f"shape {geometry.shape_ijk} cut along axis {prompt.axis}; give a mask of shape {in_plane}."
                )
            continue
        for ijk in _positions(prompt):
            if not geometry.contains(ijk):
                raise PromptError(
                    f"{type(prompt).__name__} at voxel ({', '.join(f'{x:g}' for x in ijk)}) lies outside the volume, "
                    f"whose voxels run from (0, 0, 0) to {tuple(n - 1 for n in geometry.shape_ijk)}. "
                    "Voxel indices are array order i, j, k; for millimeters use from_world_mm, or --world."
                )


def _positions(prompt: Point | Box | Scribble | Lasso) -> tuple[Ijk, ...]:
    match prompt:
        case Point():
            return (prompt.ijk,)
        case Box():
            return (prompt.min_ijk, prompt.max_ijk)
        case Scribble() | Lasso():
            return prompt.ijk_list

"""Aiming: random frames for training, placed as a radiographer might place them, and some as nobody would."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor

from anybone.core.array_types import Float, Int
from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.scanner.atlas import Atlas
from anybone.synthetic.scanner.frames import PLANES, Frames, oriented

Range = tuple[float, float]


@dataclass(frozen=True)
class Aim:
    """Distribution of the drawn frames.

    Attributes:
        planes: Relative frequency of each plane.
        tilt_deg: Deviation of the usual obliquity about each axis.
        any_tilt: Share of frames that lie at any angle.
        field: Field of view against the extent of the anatomy in the plane.
        pixel_mm: Bounds of a pixel's edge.
        thickness_mm: Bounds of a slice's thickness.
        gap: Distance between slices, as a share of their thickness.
        off_bone: Share of slices put anywhere along the stack, which often miss all bone; the others cross one.
        mirrored: Share of frames that are mirrored; they show a left limb as a right one, its labels keep their names.
        stretch: Deviation of the logarithm of a person's size along each axis.
        most_extended: Largest extension beyond a face that cuts the body, as a fraction of the map's extent.
    """

    planes: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"axial": 1.0, "coronal": 0.9, "sagittal": 1.1})
    )
    tilt_deg: float = 7.0
    any_tilt: float = 0.06
    field: Range = (0.5, 1.25)
    pixel_mm: Range = (0.25, 1.5)
    thickness_mm: Range = (0.7, 6.0)
    gap: Range = (0.0, 0.3)
    off_bone: float = 0.2
    mirrored: float = 0.5
    stretch: float = 0.06
    most_extended: float = 0.08


def draw_frames(atlas: Atlas, which: Int[Tensor, " b"], shape: tuple[int, int, int], aim: Aim, rng: BatchRng) -> Frames:
    """Frames of `shape` slices, rows and columns in the maps `which` of an atlas."""
    count, (_, rows, columns) = len(which), shape
    names = list(aim.planes)
    planes = tuple(names[n] for n in rng.choice([aim.planes[name] for name in names], count).tolist())
    axes = torch.tensor([[_axis(direction) for direction in PLANES[plane]] for plane in planes])
    extent_mm = (atlas.shapes[which] * atlas.spacing_mm[which, None]).gather(1, axes)  # across, down, through
    widest = extent_mm[:, :2].amax(dim=1)
    scope = rng.log_uniform(*aim.field, count)
    pixel = (widest * scope / max(rows, columns)).clamp(*aim.pixel_mm)
    thickness = rng.log_uniform(*aim.thickness_mm, count)
    pitch = thickness * (1 + rng.uniform(*aim.gap, count))
    spacing = torch.stack([pixel, pixel, pitch], dim=1)
    steps = _steps(planes, spacing, atlas.spacing_mm[which], aim, rng)
    center = _center(atlas, which, axes, steps[:, 2], scope, aim, rng)
    return Frames(
        which=which,
        center_vx=center,
        right_vx=steps[:, 0],
        down_vx=steps[:, 1],
        through_vx=steps[:, 2],
        spacing_mm=spacing,
        thickness_mm=thickness,
        shown=_shown(atlas, which, axes, center, steps, (rows, columns), aim.most_extended),
        planes=planes,
    )


def _axis(direction: tuple[int, int, int]) -> int:
    return max(range(3), key=lambda axis: abs(direction[axis]))


def _steps(
    planes: tuple[str, ...], spacing: Tensor, voxel_mm: Tensor, aim: Aim, rng: BatchRng
) -> Float[Tensor, "b 3 3"]:
    """Return steps across, down and through in voxels, with the person's stretch, some mirrored."""
    count = len(planes)
    usual = rng.normal(math.radians(aim.tilt_deg), count, 3)
    wild = rng.uniform(-math.pi, math.pi, count, 3)
    tilt = torch.where(rng.chance(aim.any_tilt, count, 1), wild, usual)
    steps = oriented(planes, tilt, spacing, voxel_mm) / torch.exp(rng.normal(aim.stretch, count, 1, 3))
    sign = torch.where(rng.chance(aim.mirrored, count, 1), -1.0, 1.0)
    return torch.cat([steps[:, :1] * sign[..., None], steps[:, 1:]], dim=1)


def _center(
    atlas: Atlas, which: Tensor, axes: Tensor, through: Tensor, scope: Tensor, aim: Aim, rng: BatchRng
) -> Float[Tensor, "b 3"]:
    """Middle of each frame: the map's in a wide one, near some bone in a narrow one; the slice crosses that bone."""
    count = len(which)
    size = atlas.shapes[which].float()
    middle = (size - 1) / 2
    place = atlas.places_vx[which, rng.below(atlas.places_vx.shape[1], count)]
    pull = ((1.1 - scope).clamp(0, 0.6)[:, None] + rng.uniform(0, 0.2, count, 1)).clamp_max(1)
    center = middle + pull * (place - middle) + rng.normal(0.04, count, 3) * size
    normal = through / through.norm(dim=1, keepdim=True)
    anywhere: Tensor = rng.uniform(0.03, 0.97, count, 3) * size
    target = torch.where(rng.chance(aim.off_bone, count, 1), anywhere, place)
    moved: Tensor = center + normal * ((target - center) * normal).sum(1, keepdim=True)
    return moved


def _shown(
    atlas: Atlas, which: Tensor, axes: Tensor, center: Tensor, steps: Tensor, size: tuple[int, int], extended: float
) -> Float[Tensor, "b 4"]:
    """First and last row and column that are not too far beyond a face that cuts the body."""
    bounds = []
    for step, column, count in ((steps[:, 1], axes[:, 1:2], size[0]), (steps[:, 0], axes[:, :1], size[1])):
        along = step.gather(1, column)[:, 0]
        along = torch.where(along.abs() < 1e-3, 1e-3, along)
        length = atlas.shapes[which].gather(1, column)[:, 0]
        cut = atlas.cut[which].gather(1, column[..., None].expand(-1, 1, 2))[:, 0]
        faces = torch.stack([-extended * length, (1 + extended) * length], dim=1)
        index = (faces - center.gather(1, column)) / along[:, None] + (count - 1) / 2
        index, swapped = index.sort(dim=1)
        limited = cut.gather(1, swapped)
        bounds.append(torch.where(limited, index, torch.tensor([-1.0, float(count)])))
    return torch.cat(bounds, dim=1)

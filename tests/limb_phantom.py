"""Phantom of a limb: an axial MR volume of a thigh or a lower leg, and the ground truth of its bones.

Every slice is painted tissue by tissue on a grid finer than the image, in millimeters of a frame whose x runs to the
side of the limb (lateral) and whose y runs to the front. The shares of the tissues in each voxel then become signal,
with fat shifted against water as a scanner shifts it, uneven illumination and Rician noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import UsageError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Source, Volume

Region = Literal["thigh", "leg"]
Array = NDArray[np.float32]
Profile = Callable[[float], float]  # t = 0 at the lower end of the limb, 1 at the upper: mm

_EXTENT_MM = (172.8, 172.8, 140.0)
_FINER = (2, 2, 2)  # sub-voxels along i, j, k: edges are mixed by these
_CHEMICAL_SHIFT_PX = 1  # fat against water along j
_NOISE = 0.018  # of the brightest signal
_SKIN_MM, _FASCIA_MM = 1.6, 0.7


class Tissue(IntEnum):
    """Tissue of a sub-voxel."""

    AIR, SKIN, FAT, FASCIA, MUSCLE, VESSEL, CORTEX, MARROW = range(8)


# (water, fat) signal of each tissue in order, 1 the brightest: how they rank in clinical images of the sequence.
SEQUENCES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "t1": ((0, 0), (0.35, 0), (0.03, 0.87), (0.1, 0), (0.3, 0), (0.06, 0), (0.03, 0), (0.04, 0.82)),
    "t2": ((0, 0), (0.3, 0), (0.04, 0.66), (0.06, 0), (0.16, 0), (0.55, 0), (0.02, 0), (0.05, 0.58)),
    "pd": ((0, 0), (0.45, 0), (0.05, 0.75), (0.1, 0), (0.45, 0), (0.25, 0), (0.03, 0), (0.07, 0.68)),
    "t2_fat_suppressed": ((0, 0), (0.4, 0), (0.06, 0.05), (0.08, 0), (0.3, 0), (0.9, 0), (0.02, 0), (0.09, 0.04)),
}


@dataclass(frozen=True)
class _Shaft:
    """A long bone: where its axis runs, how wide it is, how thick its cortex, and how far from round."""

    name: str
    x_mm: Profile
    y_mm: Profile
    radius_mm: Profile
    cortex_mm: Profile
    corners: int
    angularity: float
    turn: float


@dataclass(frozen=True)
class _Limb:
    """A region: bones, outline, and the centers of its muscles and vessel bundles as shares of the outline's radius."""

    shafts: tuple[_Shaft, ...]
    radius_mm: Profile
    fat_mm: float
    muscles: tuple[tuple[float, float], ...]
    bundles: tuple[tuple[float, float], ...]
    superficial_veins: tuple[tuple[float, float], ...]


_LIMBS: Mapping[Region, _Limb] = {
    "thigh": _Limb(
        shafts=(
            _Shaft(
                "femur",
                x_mm=lambda t: 2 + 8 * t,
                y_mm=lambda t: 8 + 5 * math.sin(math.pi * t),  # the femur bows to the front
                radius_mm=lambda t: 13.5 + 5 * max(0.0, 0.35 - t) / 0.35,
                cortex_mm=lambda t: 2.2 + 3.6 * min(1.0, t / 0.5),
                corners=1,
                angularity=0.1,  # the linea aspera, at the back
                turn=-math.pi / 2,
            ),
        ),
        radius_mm=lambda t: 62 + 13 * t,
        fat_mm=9,
        muscles=(
            (0.05, 0.68), (0.5, 0.45), (-0.48, 0.4), (0.1, 0.38), (-0.72, 0.08), (-0.42, -0.12),
            (0.62, -0.2), (0.35, -0.55), (-0.08, -0.68), (-0.45, -0.58), (0.62, 0.12), (-0.1, -0.25),
        ),
        bundles=((-0.38, 0.12), (0.12, -0.38)),
        superficial_veins=((-0.9, 0.05), (-0.45, -0.82)),
    ),
    "leg": _Limb(
        shafts=(
            _Shaft(
                "tibia",
                x_mm=lambda t: -9 + 2 * math.sin(math.pi * t),
                y_mm=lambda t: 19 + 6 * t,
                radius_mm=lambda t: 12 + 2 * t + 9 * max(0.0, t - 0.7) / 0.3,
                cortex_mm=lambda t: 5.2 - 3.7 * max(0.0, t - 0.5) / 0.5,
                corners=3,
                angularity=0.17,  # a triangle, its front edge beneath the skin
                turn=math.pi / 2 + 0.25,
            ),
            _Shaft(
                "fibula",
                x_mm=lambda t: 24 + 2 * t,
                y_mm=lambda t: 1 + 3 * t,
                radius_mm=lambda t: 6.2 + 3 * max(0.0, t - 0.75) / 0.25,
                cortex_mm=lambda t: 2.8 - 1.2 * max(0.0, t - 0.6) / 0.4,
                corners=3,
                angularity=0.12,
                turn=0.4,
            ),
        ),
        radius_mm=lambda t: 44 + 15 * math.sin(math.pi * min(1.0, 0.15 + 0.6 * t)),
        fat_mm=6.5,
        muscles=(
            (0.3, 0.55), (0.6, 0.28), (0.82, -0.05), (0.12, 0.02), (-0.25, -0.1), (0.4, -0.3),
            (-0.05, -0.42), (-0.45, -0.62), (0.38, -0.72), (-0.62, -0.25),
        ),
        bundles=((0.22, 0.2), (-0.2, -0.22), (0.28, -0.16)),
        superficial_veins=((-0.88, 0.12), (0.1, -0.9), (-0.6, 0.62)),
    ),
}  # fmt: skip


def limb_phantom(
    seed: int = 0, shape_ijk: tuple[int, int, int] = (192, 192, 28), sequence: str = "t1", region: Region = "leg"
) -> tuple[Volume, Segmentation]:
    """Return a limb and its bones, deterministic for the arguments, 173 x 173 x 140 mm for any number of voxels.

    Args:
        seed: Chooses the side and everything that differs between people.
        shape_ijk: Voxels to the left, to the back and to the head.
        sequence: A key of `SEQUENCES`.
        region: "leg" has a tibia and a fibula, "thigh" a femur.

    Raises:
        UsageError: There is no such sequence or region.
    """
    if sequence not in SEQUENCES or region not in _LIMBS:
        raise UsageError(
            f"There is no limb {region!r} in sequence {sequence!r}; "
            f"choose from {', '.join(_LIMBS)} and {', '.join(SEQUENCES)}."
        )
    rng = np.random.default_rng(seed)
    side = str(rng.choice(["left", "right"]))
    spacing = np.array(_EXTENT_MM) / shape_ijk
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape_ijk) - 1) / 2)
    geometry = Geometry(shape_ijk, affine)
    shares, bones = _painted(_LIMBS[region], geometry, side, rng)
    data = _signal(shares, SEQUENCES[sequence], rng)
    labels = np.zeros(shape_ijk, dtype=np.uint16)
    names = {}
    for label, shaft in enumerate(_LIMBS[region].shafts, start=1):
        labels[bones[label - 1] >= 0.5] = label
        names[label] = f"{side} {shaft.name}"
    source = Source(description=f"{side} {region}, {sequence}, made in code (seed {seed})")
    return Volume(data, geometry, source), Segmentation(labels, geometry, names)


def _painted(limb: _Limb, geometry: Geometry, side: str, rng: np.random.Generator) -> tuple[Array, Array]:
    """Shares 0..1 of each tissue "tissue i j k" and of each bone "bone i j k" in every voxel."""
    shape = geometry.shape_ijk
    shares = np.zeros((len(Tissue), *shape), dtype=np.float32)
    bones = np.zeros((len(limb.shafts), *shape), dtype=np.float32)
    x, y = _fine_grid(geometry, side)
    bend, wrinkle = _Waves(rng, length_mm=45.0), _Waves(rng, length_mm=20.0)
    person = {"size": rng.uniform(0.95, 1.05), "fat": rng.uniform(0.8, 1.4)}
    steps = shape[2] * _FINER[2]
    for step in range(steps):
        t = (step + 0.5) / steps
        tissue, bone = _slice(limb, x, y, t, (bend, wrinkle), person)
        k = step // _FINER[2]
        for kind in Tissue:
            shares[kind, :, :, k] += _coarse(tissue == kind) / _FINER[2]
        for number in range(len(limb.shafts)):
            bones[number, :, :, k] += _coarse(bone == number + 1) / _FINER[2]
    return shares, bones


def _fine_grid(geometry: Geometry, side: str) -> tuple[Array, Array]:
    """Lateral and anterior position in mm of every sub-voxel of a slice."""
    axes = []
    for axis in (0, 1):
        count = geometry.shape_ijk[axis] * _FINER[axis]
        axes.append(((np.arange(count) + 0.5) / count - 0.5) * _EXTENT_MM[axis])
    lateral = 1 if side == "left" else -1  # i runs to the patient's left
    x, y = np.meshgrid(lateral * axes[0], -axes[1], indexing="ij")
    return x.astype(np.float32), y.astype(np.float32)


def _coarse(fine: NDArray[np.bool_]) -> Array:
    a, b = _FINER[:2]
    blocks = fine.reshape(fine.shape[0] // a, a, fine.shape[1] // b, b)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


class _Waves:
    """Smooth random displacements in mm: sums of a few waves through space, unrelated to the grid."""

    def __init__(self, rng: np.random.Generator, length_mm: float, count: int = 3) -> None:
        self.numbers = (rng.normal(size=(2, count, 3)) * 2 * np.pi / length_mm / np.sqrt(3)).tolist()
        self.phases = rng.uniform(0, 2 * np.pi, (2, count)).tolist()

    def __call__(self, which: int, x: Array, y: Array, t: float) -> Array:
        z = t * _EXTENT_MM[2] / 3  # anatomy changes more slowly along a limb than across it
        terms = [
            np.sin(a * x + b * y + c * z + p)
            for (a, b, c), p in zip(self.numbers[which], self.phases[which], strict=True)
        ]
        return np.asarray(sum(terms) / math.sqrt(len(terms)), dtype=np.float32)


def _slice(
    limb: _Limb, x: Array, y: Array, t: float, waves: tuple[_Waves, _Waves], person: Mapping[str, float]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the tissue of every sub-voxel of one thin slice, and the number of its bone (0 for none)."""
    first, second = waves[0](0, x, y, t), waves[0](1, x, y, t)
    fine = waves[1](0, x, y, t), waves[1](1, x, y, t)
    u, v = x + 2.5 * first, y + 2.5 * second
    radius = limb.radius_mm(t) * person["size"]
    depth = radius - np.hypot(u, v / 0.96)  # below the skin
    fat = limb.fat_mm * person["fat"] * (0.75 - 0.45 * v / radius + 0.15 * first)  # thinner at the front
    tissue = np.full(x.shape, Tissue.AIR, dtype=np.uint8)
    tissue[depth > 0] = Tissue.SKIN
    tissue[depth > _SKIN_MM] = Tissue.FAT
    for px, py in limb.superficial_veins:
        tissue[(np.hypot(u - px * radius, v - py * radius) < 1.5) & (depth > 3)] = Tissue.VESSEL
    tissue[depth > _SKIN_MM + fat] = Tissue.FASCIA
    inside = depth > _SKIN_MM + fat + _FASCIA_MM
    tissue[inside] = Tissue.MUSCLE
    edge_mm = _muscle_edge(limb, (u + 2 * fine[0]) / radius, (v + 2 * fine[1]) / radius) * radius
    tissue[inside & (edge_mm < 0.35 + 0.35 * second + 0.15 * fine[1])] = Tissue.FAT
    for number, (px, py) in enumerate(limb.bundles):
        du, dv = u + fine[0] - px * radius, v + fine[1] - py * radius
        tissue[inside & (np.hypot(du, dv * 1.3) < 4.2 + 0.8 * fine[0])] = Tissue.FAT
        for dx, dy, width in ((-2.1, 0.3, 1.3), (1.6, 0.6 - number, 1.9)):  # the artery, and its wider vein
            tissue[inside & (np.hypot(du - dx, dv - dy) < width)] = Tissue.VESSEL
    return tissue, _bones(limb, x, y, t, person["size"], tissue)


def _muscle_edge(limb: _Limb, u: Array, v: Array) -> Array:
    """Distance to the nearest border between muscles: those are the cells nearest to each muscle's center."""
    away = np.stack([np.hypot(u - a, v - b) for a, b in limb.muscles])
    nearest = np.partition(away, 1, axis=0)
    return np.asarray((nearest[1] - nearest[0]) / 2, dtype=np.float32)


def _bones(limb: _Limb, x: Array, y: Array, t: float, size: float, tissue: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the number of the bone at every sub-voxel, and write cortex and marrow into `tissue`."""
    bone = np.zeros(x.shape, dtype=np.uint8)
    for number, shaft in enumerate(limb.shafts, start=1):
        dx, dy = x - size * shaft.x_mm(t), y - size * shaft.y_mm(t)
        angle = np.arctan2(dy, dx) - shaft.turn
        outer = size * shaft.radius_mm(t) * (1 + shaft.angularity * np.cos(shaft.corners * angle))
        rounder = size * shaft.radius_mm(t) * (1 + 0.6 * shaft.angularity * np.cos(shaft.corners * angle))
        inner = rounder - size * shaft.cortex_mm(t) * (1 + 0.25 * np.cos(angle + t))
        away = np.hypot(dx, dy)
        bone[away < outer] = number
        tissue[away < outer] = Tissue.CORTEX
        tissue[away < inner] = Tissue.MARROW
    return bone


def _signal(shares: Array, signals: tuple[tuple[float, float], ...], rng: np.random.Generator) -> Array:
    """Return the image "i j k", 0 to about 1000."""
    shape = shares.shape[1:]
    water, fat = np.zeros((2, *shape), dtype=np.float32)
    texture = {
        Tissue.MUSCLE: 1 + 0.1 * _noise(rng, shape, 1.0) + 0.08 * _noise(rng, shape, 6.0),
        Tissue.FAT: 1 - 0.16 * np.exp(-((_noise(rng, shape, 1.6) / 0.25) ** 2)),  # septa: thin and darker
        Tissue.MARROW: 1 + 0.05 * _noise(rng, shape, 1.2) + 0.06 * _noise(rng, shape, 4.0),
    }
    for kind in Tissue:
        amount = shares[kind] * texture.get(kind, 1.0)
        water += amount * signals[kind][0]
        fat += amount * signals[kind][1]
    for angle in rng.uniform(0, np.pi, 3):  # streaks of fat along the fibers of muscle
        streaks = np.clip(_smeared(_noise(rng, shape, 0.6), angle) - 1.6, 0, 1) * shares[Tissue.MUSCLE]
        fat += 0.3 * signals[Tissue.FAT][1] * streaks
    image = (water + np.roll(fat, _CHEMICAL_SHIFT_PX, axis=1)) * _illumination(rng, shape)
    real, imaginary = rng.normal(0, _NOISE, (2, *shape))
    return np.asarray(1000 * np.hypot(image + real, imaginary), dtype=np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], width_px: float) -> Array:
    """Smooth noise of mean 0 and deviation 1, alike in neighboring slices."""
    from scipy import ndimage

    field = ndimage.gaussian_filter(rng.normal(size=shape), (width_px, width_px, 0.7), mode="wrap")
    return np.asarray(field / max(field.std(), 1e-9), dtype=np.float32)


def _smeared(noise: Array, angle: float) -> Array:
    """Noise drawn out into streaks six voxels long; deviation 1 again."""
    shifts = [(round(n * np.cos(angle)), round(n * np.sin(angle))) for n in range(6)]
    streaks = np.mean([np.roll(noise, shift, axis=(0, 1)) for shift in shifts], axis=0)
    return np.asarray(streaks / max(float(streaks.std()), 1e-9), dtype=np.float32)


def _illumination(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Uneven sensitivity of the coil, 1 on average: it falls off smoothly toward one side and both ends."""
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape], indexing="ij")
    a, b = rng.uniform(-0.18, 0.18, 2)
    return np.asarray(np.exp(a * i + b * j - 0.15 * k**2 - 0.1 * (i**2 + j**2)), dtype=np.float32)

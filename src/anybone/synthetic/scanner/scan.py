"""Scan: one series of a label map for people, a volume and the truth about its bones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float, Int
from anybone.core.errors import UsageError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Source, Volume
from anybone.synthetic.contrast import SEQUENCES, BatchRng, Contrast, mixture, physics
from anybone.synthetic.contrast.texture import BLOCK
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.scanner.atlas import Atlas
from anybone.synthetic.scanner.frames import PLANES, Frames, oriented
from anybone.synthetic.scanner.kspace import draw_acquisition
from anybone.synthetic.scanner.reconstruction import develop
from anybone.synthetic.scanner.sample import HALF, Slices, sample
from anybone.synthetic.tissue import Tissue

RANDOM = "mixture"
"""The name of random contrast, beside the keys of `SEQUENCES`."""

_TILT_DEG = 4.0
_MOST_PIXELS = 512  # along an edge of an image
_MOST_SLICES = 120
_LAYERS = (5, 9)  # and an odd number: no ties, which would all go to bone
_LINES = 16  # acquired rows and columns are multiples
_FILLED = (1.0, 1.25, 1.5, 1.75, 2.0)
_PIXEL_MM = (0.35, 0.65)
_THICKNESS_MM = (2.0, 4.5)
_BRIGHTEST = (300, 3500)  # what scanners scale an image's brightest tissues to


@dataclass(frozen=True)
class Series:
    """Settings of a series; a setting of None is drawn at random.

    Attributes:
        pixel_mm: Edge of a pixel, 0.3 to 1.2 usually.
        thickness_mm: Thickness of a slice, 0.7 to 6 usually.
        gap_mm: Between slices.
        field_t: Field strength of the scanner in tesla.
        filled: Acquired pixels in an image's pixel along each edge, by zeros around k-space: 1 to 2 in quarters.
        clean: Little noise and no motion.
    """

    pixel_mm: float | None = None
    thickness_mm: float | None = None
    gap_mm: float | None = None
    field_t: float | None = None
    filled: float | None = None
    clean: bool = False


def scan(
    label_map: LabelMap,
    sequence: str = "pd-fs",
    plane: str = "sagittal",
    seed: int = 0,
    series: Series | None = None,
) -> tuple[Volume, Segmentation]:
    """Return a volume of the whole label map, and its bones on the same grid; deterministic for the arguments.

    A voxel is bone where bone fills at least half of it.

    Args:
        label_map: The anatomy.
        sequence: A key of `SEQUENCES`, or "mixture" for random contrast.
        plane: "axial", "coronal" or "sagittal", turned by a few degrees.
        seed: Draws all that `series` leaves open, and the noise.
        series: Resolution and field.

    Raises:
        UsageError: There is no such sequence or plane.
    """
    if sequence not in (*SEQUENCES, RANDOM) or plane not in PLANES:
        raise UsageError(
            f"There is no sequence {sequence!r} in plane {plane!r}; "
            f"choose from {', '.join(SEQUENCES)}, {RANDOM} and {', '.join(PLANES)}."
        )
    series, rng, atlas = series or Series(), BatchRng(seed), Atlas.of([label_map])
    fill = _FILLED[int(rng.below(len(_FILLED)))] if series.filled is None else series.filled
    frames, shape = _frames(label_map, plane, series, fill, rng)
    matrix = (round(shape[1] * fill), round(shape[2] * fill))
    contrast = mixture(1, rng) if sequence == RANDOM else physics([sequence], rng, series.field_t)
    layers = min(max(_LAYERS[0], round(float(frames.thickness_mm[0]) / label_map.spacing_mm)), _LAYERS[1]) | 1
    slices = sample(atlas, frames, contrast, shape, layers, rng.below(BLOCK**3, 1))
    finest = float(frames.spacing_mm[0, 0])
    acquisition = draw_acquisition(frames, contrast, rng, (finest, finest), series.clean)
    image, _ = develop(slices, frames, contrast, acquisition, atlas, rng, matrix)
    geometry = _geometry(label_map, frames, shape, matrix)
    volume = Volume(_scaled(image[0], rng), geometry, _source(label_map, contrast, frames, seed))
    return volume, Segmentation(_labels(slices, matrix), geometry, dict(label_map.names))


def _frames(
    label_map: LabelMap, plane: str, series: Series, fill: float, rng: BatchRng
) -> tuple[Frames, tuple[int, int, int]]:
    """One stack over all of the body, and its slices, rows and columns as they are acquired."""
    low, high = _body(label_map)
    extent_mm = (high - low) * label_map.spacing_mm
    across, down, through = (max(range(3), key=lambda axis: abs(step[axis])) for step in PLANES[plane])
    pixel = series.pixel_mm or float(rng.log_uniform(*_PIXEL_MM))
    pixel = max(pixel, float(extent_mm[[across, down]].max()) / _MOST_PIXELS) * fill
    thickness = series.thickness_mm or float(rng.log_uniform(*_THICKNESS_MM))
    gap = float(rng.uniform(0, 0.25)) * thickness if series.gap_mm is None else series.gap_mm
    spacing = (pixel, pixel, thickness + gap)
    tilt = rng.normal(math.radians(_TILT_DEG), 1, 3)
    steps = oriented([plane], tilt, torch.tensor([spacing]), torch.tensor([label_map.spacing_mm]))
    rows, columns = (_even(float(extent_mm[axis]) / pixel) for axis in (down, across))
    slices = min(max(1, int(float(extent_mm[through]) / spacing[2])), _MOST_SLICES)
    frames = Frames(
        which=torch.zeros(1, dtype=torch.int64),
        center_vx=((low + high - 1) / 2)[None],
        right_vx=steps[:, 0],
        down_vx=steps[:, 1],
        through_vx=steps[:, 2],
        spacing_mm=torch.tensor([spacing]),
        thickness_mm=torch.tensor([thickness]),
        shown=torch.tensor([[-1.0, rows, -1.0, columns]]),
        planes=(plane,),
    )
    return frames, (slices, rows, columns)


def _even(count: float) -> int:
    """Return a number of lines near `count` with a fast Fourier transform, divisible for partial filling."""
    return max(_LINES, round(count / _LINES) * _LINES)


def _body(label_map: LabelMap, margin_mm: float = 6.0) -> tuple[Float[Tensor, " 3"], Float[Tensor, " 3"]]:
    """Lowest and highest voxel of the block that holds all tissue, with a margin inside the grid."""
    solid = label_map.tissue != Tissue.AIR
    margin, bounds = margin_mm / label_map.spacing_mm, []
    for axis, count in enumerate(solid.shape):
        used = np.flatnonzero(solid.any(axis=tuple(a for a in range(3) if a != axis)))
        first, last = (int(used[0]), int(used[-1])) if used.size else (0, count - 1)
        bounds.append((max(0.0, first - margin), min(float(count), last + 1 + margin)))
    low, high = torch.tensor(bounds).T
    return low, high


def _geometry(label_map: LabelMap, frames: Frames, shape: tuple[int, int, int], matrix: tuple[int, int]) -> Geometry:
    """Columns along i, rows along j, slices along k; the first pixel lies where the first acquired one does."""
    steps = torch.stack([frames.right_vx[0], frames.down_vx[0], frames.through_vx[0]], dim=1).double().numpy()
    first = frames.center_vx[0].double().numpy() - steps @ ((np.array(shape[::-1]) - 1) / 2)
    affine = np.eye(4)
    affine[:3, :3] = steps * label_map.spacing_mm * (shape[2] / matrix[1], shape[1] / matrix[0], 1)
    affine[:3, 3] = label_map.geometry.to_world(first)
    return Geometry((matrix[1], matrix[0], shape[0]), affine)


def _labels(slices: Slices, matrix: tuple[int, int]) -> NDArray[np.uint16]:
    """Bones "column row slice" on the matrix of the image: the share of bone in between lines is interpolated."""
    _, count, rows, columns = slices.share.shape
    down, across = _between(rows, matrix[0]), _between(columns, matrix[1])
    labels = torch.empty(count, *matrix, dtype=torch.int16)
    for number in range(count):
        share = slices.share[0, number]
        share = torch.lerp(share[down.low], share[down.high], down.part[:, None])
        share = torch.lerp(share[:, across.low], share[:, across.high], across.part)
        labels[number] = _nearest_bone(slices.bone[0, number], down, across) * (share >= HALF)
    return labels.permute(2, 1, 0).numpy().astype(np.uint16)


@dataclass(frozen=True)
class _Between:
    """Between which acquired lines each line of an image lies."""

    low: Tensor
    high: Tensor
    part: Tensor


def _between(acquired: int, lines: int) -> _Between:
    at = torch.arange(lines) * (acquired / lines)
    low = at.long()
    return _Between(low, (low + 1).clamp_max(acquired - 1), at - low)


def _nearest_bone(bone: Int[Tensor, "h w"], down: _Between, across: _Between) -> Int[Tensor, "y x"]:
    """Return the bone of the nearest line that has one."""
    for lines, axis in ((down, 0), (across, 1)):
        low, high = bone.index_select(axis, lines.low), bone.index_select(axis, lines.high)
        near = (lines.part < 0.5).view(-1, 1) if axis == 0 else lines.part < 0.5
        bone = torch.where((near & (low > 0)) | (high == 0), low, high)
    return bone


def _scaled(image: Float[Tensor, "s h w"], rng: BatchRng) -> NDArray[np.float32]:
    """Return the image "column row slice" in whole numbers, as a scanner stores it."""
    brightest = float(image.flatten()[:: max(1, image.numel() // 100_000)].quantile(0.995))
    scale = float(rng.log_uniform(*_BRIGHTEST)) / max(brightest, 1e-6)
    return (image * scale).round_().permute(2, 1, 0).numpy()


def _source(label_map: LabelMap, contrast: Contrast, frames: Frames, seed: int) -> Source:
    what = f"{label_map.region or 'anatomy'} {label_map.seed}, {frames.planes[0]} {contrast.names[0]}"
    return Source(description=f"{what}, made in code (seed {seed})", notes=label_map.credits)

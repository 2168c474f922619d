"""Reading slices from an atlas: signal and bone, averaged through the thickness of each slice.

Each slice is cut into thin layers. A layer reads the nearest voxel at every pixel, and the layers are also shifted
against one another within a pixel (or a voxel, where that is wider), so that their mean is what a slice of some
thickness made of pixels of some width measures: partial volumes, for the signal and for the labels alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float, Int, Shaped
from anybone.synthetic.contrast.contrast import SLOTS, Contrast
from anybone.synthetic.contrast.texture import BLOCK, CODES, DIFFUSE, noise_blocks
from anybone.synthetic.scanner.atlas import BONE_SHIFT, KIND_SHIFT, TISSUE_MASK, Atlas
from anybone.synthetic.scanner.chunks import pieces
from anybone.synthetic.scanner.frames import Frames
from anybone.synthetic.tissue import Tissue

_SHIFTS = (0.7548777, 0.5698403)  # multiples of these fill the unit square evenly (Roberts' sequence)
_GOLDEN_ANGLE = 2.399963
_DIFFUSE_MM = 3.5
_KIND_MASK = 2 ** (BONE_SHIFT - KIND_SHIFT) - 1
_SMOOTHING_VX = 1.25  # layers are spread at least this wide, which rounds the edges of voxels off
Warp = Callable[[Tensor, slice], Tensor]

HALF = 0.499  # of a voxel: exactly half of the layers is enough, whatever the rounding
_INT32_MAX = 2**31 - 1


@dataclass(frozen=True)
class Slices:
    """Signal of the slices, before the scanner.

    Attributes:
        signal: complex64; water real, fat imaginary.
        bone: int16 number of the bone, where there is any; that of the middle of the slice where two meet.
        share: Share of all bones together.
        metal: Share of metal; None if the atlas has none.
    """

    signal: Shaped[Tensor, "b s h w"]
    bone: Int[Tensor, "b s h w"]
    share: Float[Tensor, "b s h w"]
    metal: Float[Tensor, "b s h w"] | None

    @property
    def labels(self) -> Int[Tensor, "b s h w"]:
        """Number of the bone where bones fill at least half of a voxel, else 0."""
        return self.bone * (self.share >= HALF)


def sample(
    atlas: Atlas,
    frames: Frames,
    contrast: Contrast,
    shape: tuple[int, int, int],
    layers: int = 5,
    texture_at: Int[Tensor, " b"] | None = None,
    warp: Warp | None = None,
) -> Slices:
    """Sample the slices of all frames.

    Args:
        atlas: Atlas to sample, on the device of the computation.
        frames: On the CPU.
        contrast: On the atlas' device.
        shape: Slices, rows and columns.
        layers: Thin layers in a slice; an odd number, since ties go to bone and would widen it.
        texture_at: Offset of each image's texture in the block of noise; 0 if None.
        warp: Displacement in voxels of the pixels of some slices of some images, "n 3 s h w".
    """
    device, count = atlas.voxels.device, len(frames)
    reader = _Reader(atlas, frames, contrast, texture_at, layers)
    signal = torch.empty(count, *shape, dtype=torch.complex64, device=device)
    bone = torch.empty(count, *shape, dtype=torch.int16, device=device)
    share = torch.empty(count, *shape, device=device)
    metal = torch.empty(count, *shape, device=device) if atlas.has_metal else None
    for image, slices in pieces(count, shape, device):
        base = _positions(frames[image], shape, slices, layers, device)
        if warp is not None:
            base = [x + moved for x, moved in zip(base, warp(image, slices).unbind(1), strict=True)]
        read = reader.read(image, base)
        signal[image, slices], bone[image, slices] = read[:2]
        share[image, slices] = torch.lerp(read[2], _smoothed(read[2]), reader.blur[image])
        if metal is not None:
            metal[image, slices] = read[3]
    return Slices(signal, bone, share, metal)


def _positions(
    frames: Frames, shape: tuple[int, int, int], slices: slice, layers: int, device: torch.device
) -> list[Tensor]:
    """Voxel positions i, j, k of every pixel, each "b s h w".

    Pixels lie a little above and below the middle of the slice, each elsewhere within a layer: else an oblique surface
    would show as many edges as there are layers.
    """
    steps = [torch.arange(n, device=device, dtype=torch.float32) - (n - 1) / 2 for n in shape]
    y, x = steps[1][:, None], steps[2]
    dither = (y * _SHIFTS[0] + x * _SHIFTS[1]) % 1 - 0.5
    through, down, right, center = (
        v.to(device)[:, :, None, None, None]
        for v in (frames.through_vx, frames.down_vx, frames.right_vx, frames.center_vx)
    )
    layer = (frames.thickness_mm / frames.spacing_mm[:, 2] / layers).to(device)[:, None, None, None]
    z = steps[0][slices, None, None] + layer * dither
    return [center[:, a] + through[:, a] * z + (down[:, a] * y + right[:, a] * x) for a in range(3)]


def _smoothed(share: Float[Tensor, "b s h w"]) -> Float[Tensor, "b s h w"]:
    """Means over three by three pixels."""
    return F.avg_pool2d(share, 3, stride=1, padding=1, count_include_pad=False)


class _Reader:
    """Constants of all chunks: tables, limits and offsets on the device."""

    def __init__(
        self, atlas: Atlas, frames: Frames, contrast: Contrast, texture_at: Tensor | None, layers: int
    ) -> None:
        device, count = atlas.voxels.device, len(frames)
        self.index_type = torch.int32 if atlas.voxels.numel() <= _INT32_MAX else torch.int64
        self.voxels, self.noise, self.has_metal = atlas.voxels, noise_blocks(device), atlas.has_metal
        self.table = contrast.table.flatten()
        shapes = atlas.shapes[frames.which]
        self.limits = (shapes - 0.51).float().to(device)
        self.sizes = shapes.to(device, self.index_type)
        self.starts = atlas.starts[frames.which].to(device, self.index_type)
        at = torch.zeros(count) if texture_at is None else texture_at
        self.texture_at = at.to(device, torch.int32)
        self.rows = (torch.arange(count, dtype=torch.int32) * SLOTS).to(device)
        voxel_mm = atlas.spacing_mm[frames.which]
        self.offsets = _layer_offsets(frames, voxel_mm, layers).to(device)
        # Terraces of voxels are smoothed away; but where pixels are no finer, a bone one pixel wide stays.
        blur = (voxel_mm / frames.spacing_mm[:, 0] - 1).clamp(0.5, 1)
        self.blur = blur[:, None, None, None].to(device)
        self.beside = _beside(shapes, voxel_mm, layers).to(device, self.index_type)

    def read(self, image: Tensor, base: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mean signal, bone, share of bone and share of metal over the layers at positions "b s h w"."""
        shape, device = base[0].shape, base[0].device
        signal = torch.zeros(shape, dtype=torch.complex64, device=device)
        metal = torch.zeros(shape if self.has_metal else (), device=device)
        vote = _Vote(shape, device, len(self.offsets))
        for offset, beside in zip(self.offsets[:, image].unbind(0), self.beside.unbind(0), strict=True):
            ijk = self._nearest(image, base, offset)
            flat = self._flat(image, ijk)
            code = self.voxels.index_select(0, flat).view(shape)
            vote.add(code)
            signal += self._signal(image, ijk, self._diffused(image, flat, code, beside))
            if self.has_metal:
                metal += (code & TISSUE_MASK) == Tissue.METAL
        count = len(self.offsets)
        return signal.mul_(1 / count), vote.winner(), vote.bones / count, metal / count

    def _nearest(self, image: Tensor, base: list[Tensor], offset: Tensor) -> list[Tensor]:
        """Return the nearest voxel inside the map; beyond its faces the map is extended by its last layer."""
        limits = self.limits[image]
        return [
            (x + (offset[:, a, None, None, None] + 0.5))  # truncation below then rounds to the nearest
            .clamp_(min=0)
            .minimum(limits[:, a, None, None, None])
            .to(torch.int32)
            for a, x in enumerate(base)
        ]

    def _flat(self, image: Tensor, ijk: list[Tensor]) -> Tensor:
        """Index into `voxels`."""
        i, j, k = (x.to(self.index_type) for x in ijk)
        sizes, start = self.sizes[image], self.starts[image][:, None, None, None]
        nj, nk = sizes[:, 1, None, None, None], sizes[:, 2, None, None, None]
        return ((i * nj).add_(j).mul_(nk).add_(k).add_(start)).flatten()

    def _diffused(self, image: Tensor, flat: Tensor, code: Tensor, beside: Tensor) -> Tensor:
        """Voxel codes, where a tissue of diffuse borders gives way to another one nearby in the same bone."""
        there = flat.view(code.shape) + beside[image, None, None, None]
        other = self.voxels.index_select(0, there.clamp_(0, len(self.voxels) - 1).flatten()).view(code.shape)
        kind_and_bone = code >> KIND_SHIFT
        alike = (kind_and_bone == other >> KIND_SHIFT) & ((kind_and_bone & _KIND_MASK) == DIFFUSE)
        return torch.where(alike, other, code)

    def _signal(self, image: Tensor, ijk: list[Tensor], code: Tensor) -> Tensor:
        """Signal of voxel codes, each with its texture."""
        i, j, k = ijk
        code = code.to(torch.int32)
        where = (i * BLOCK).add_(j & (BLOCK - 1)).mul_(BLOCK).add_(k & (BLOCK - 1))
        where.add_(self.texture_at[image, None, None, None]).bitwise_and_(BLOCK**3 - 1)
        kind = (code >> KIND_SHIFT).bitwise_and_(_KIND_MASK)
        texture = self.noise.index_select(0, where.add_(kind.mul_(BLOCK**3)).flatten())
        entry = (code & TISSUE_MASK).add_(self.rows[image, None, None, None]).mul_(CODES).flatten().add_(texture)
        return self.table.index_select(0, entry).view(code.shape)


def _layer_offsets(frames: Frames, voxel_mm: Tensor, layers: int) -> Float[Tensor, "layer b 3"]:
    """Return the offset of each layer from the middle of the slice, in voxels."""
    number = torch.arange(layers)
    depth = (number + 0.5) / layers - 0.5
    across = [(number * shift + 0.5) % 1 - 0.5 for shift in _SHIFTS]
    steps = (frames.through_vx, frames.right_vx, frames.down_vx)
    lengths_mm = frames.spacing_mm[:, [2, 0, 1]]
    widths_mm = torch.cat([frames.thickness_mm[:, None], frames.spacing_mm[:, :2]], dim=1)
    reach = torch.maximum(widths_mm, _SMOOTHING_VX * voxel_mm[:, None]) / lengths_mm
    offsets = torch.zeros(layers, len(frames), 3)
    for n, (place, step) in enumerate(zip((depth, *across), steps, strict=True)):
        offsets += place[:, None, None] * (step * reach[:, n, None])
    return offsets


def _beside(shapes: Int[Tensor, "b 3"], voxel_mm: Float[Tensor, " b"], layers: int) -> Int[Tensor, "layer b"]:
    """Return the in-plane offset, in memory, of each layer's samples of diffuse tissue."""
    number = torch.arange(layers)
    height = 1 - 2 * (number + 0.5) / layers
    angle, radius = number * _GOLDEN_ANGLE, (1 - height**2).sqrt()
    directions = torch.stack([radius * angle.cos(), radius * angle.sin(), height], dim=1)
    steps = (directions[:, None] * (_DIFFUSE_MM / voxel_mm)[:, None]).round().long()
    return (steps[..., 0] * shapes[:, 1] + steps[..., 1]) * shapes[:, 2] + steps[..., 2]


class _Vote:
    """The bone of each voxel: that of the middle layer, or else the one of highest number in any layer."""

    def __init__(self, shape: torch.Size, device: torch.device, layers: int) -> None:
        self.highest = torch.zeros(shape, dtype=torch.int16, device=device)
        self.middle = self.highest
        self.bones = torch.zeros(shape, dtype=torch.int8, device=device)
        self.votes, self.layers = 0, layers

    def add(self, code: Tensor) -> None:
        """Count one more layer of voxel codes."""
        self.bones += code >= 2**BONE_SHIFT
        self.highest = torch.maximum(self.highest, code)
        if self.votes == self.layers // 2:
            self.middle = code
        self.votes += 1

    def winner(self) -> Tensor:
        """Return the number of the bone, or 0."""
        return torch.where(self.middle >= 2**BONE_SHIFT, self.middle, self.highest) >> BONE_SHIFT

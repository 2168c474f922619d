"""Whole volumes to train the 3-D branch on: of patients, and of synthetic anatomy scanned again for every batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float, Int, Shaped
from anybone.core.errors import NothingFoundError
from anybone.models.volume_branch import ATTENTION_SIDE
from anybone.synthetic.contrast import BatchRng, Contrast, draw_contrast
from anybone.synthetic.contrast.texture import BLOCK
from anybone.synthetic.scanner import Aim, Atlas
from anybone.synthetic.scanner.aim import draw_frames
from anybone.synthetic.scanner.frames import Frames
from anybone.synthetic.scanner.kspace import draw_acquisition
from anybone.synthetic.scanner.reconstruction import develop
from anybone.synthetic.scanner.sample import sample
from anybone.training.augment_volumes import augment_volumes, reorient
from anybone.training.cache import IGNORE
from anybone.training.config import TrainingConfig
from anybone.training.slices import CaseVolume
from anybone.training.sources import clipped

CELLS = 96  # along each axis of a cached volume: one and a half of what the branch sees, so that it can look closer
SLICES, PIXELS = 25, 96  # of a synthetic volume, before it is resized as any other
LAYERS = 3  # of each of its slices
COARSE = Aim(pixel_mm=(0.4, 6.0), thickness_mm=(1.5, 8.0), gap=(0.0, 0.2))
MOST_BEYOND = 1.1  # length of a stack of slices against the map's along it


@dataclass(frozen=True)
class VolumeCache:
    """Volumes of many patients, resized to one grid.

    Attributes:
        images: uint8 "n 96 96 96", rows, columns and slices.
        bones: uint8 of that shape: 0 background, 1.. bones, IGNORE not known.
        patients: Patient of each volume.
    """

    images: Int[Tensor, "n c c c"]
    bones: Int[Tensor, "n c c c"]
    patients: list[str]

    @classmethod
    def made_of(cls, cases: Iterable[CaseVolume], cells: int = CELLS) -> VolumeCache:
        """Return the volumes of cases.

        Raises:
            NothingFoundError: There are none.
        """
        images, bones, patients = [], [], []
        for case in cases:
            images.append((resized(torch.from_numpy(case.normalized.copy()), cells) * 255).round().to(torch.uint8))
            bones.append(resized_labels(torch.from_numpy(case.labels.copy()), cells).to(torch.uint8))
            patients.append(case.patient)
        if not images:
            raise NothingFoundError("There is no volume whose truth is known. Give cases with masks of bone.")
        return cls(torch.stack(images), torch.stack(bones), patients)

    def of(self, wanted: set[str]) -> VolumeCache:
        """Return the volumes of some patients."""
        keep = [i for i, p in enumerate(self.patients) if p in wanted]
        return VolumeCache(self.images[keep], self.bones[keep], [self.patients[i] for i in keep])


def resized(normalized: Float[Tensor, "i j k"], cells: int = ATTENTION_SIDE) -> Float[Tensor, "c c c"]:
    """Resize a volume to `cells` along each axis, as the 3-D branch expects: linear, without smoothing."""
    return F.interpolate(normalized[None, None], size=(cells,) * 3, mode="trilinear", align_corners=False)[0, 0]


def resized_labels(labels: Shaped[Tensor, "i j k"], cells: int = ATTENTION_SIDE) -> Shaped[Tensor, "c c c"]:
    """Labels on that grid."""
    return F.interpolate(labels[None, None].float(), size=(cells,) * 3, mode="nearest-exact")[0, 0].to(labels.dtype)


def as_input(volumes: Float[Tensor, "b c c c"]) -> Float[Tensor, "b 1 c c c"]:
    """Volumes in 0..1 as the branch takes them, -1..1."""
    return (volumes[:, None] - 0.5) / 0.5


class RealVolumes:
    """Volumes of patients, each region and each of its patients equally often, changed at random."""

    def __init__(self, cache: VolumeCache, config: TrainingConfig) -> None:
        self._images, self._bones = cache.images.to(config.device), cache.bones.to(config.device)
        self._augmentation = config.augmentation
        by_region: dict[str, list[int]] = defaultdict(list)
        for index, patient in enumerate(cache.patients):
            by_region[patient.split("/")[0]].append(index)
        self._weights = torch.zeros(len(cache.patients), device=config.device)
        for members in by_region.values():
            self._weights[members] = 1 / len(members)

    def draw(self, count: int, rng: torch.Generator) -> tuple[Float[Tensor, "b c c c"], Int[Tensor, "b c c c"]]:
        """Volumes in 0..1, and their bones, on the branch's grid."""
        drawn = torch.multinomial(self._weights, count, replacement=True, generator=rng)
        return augment_volumes(
            self._images[drawn].float() / 255, self._bones[drawn], ATTENTION_SIDE, self._augmentation, rng
        )


class SyntheticVolumes:
    """Whole volumes of synthetic anatomy in any plane, of thin or thick slices, each with a new scan."""

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas

    def draw(self, count: int, rng: torch.Generator) -> tuple[Float[Tensor, "b c c c"], Int[Tensor, "b c c c"]]:
        """Volumes in 0..1, and their bones, on the branch's grid; what is too faint to be seen is not known."""
        batch_rng = BatchRng(int(torch.randint(2**31, (1,), generator=rng, device=rng.device)))
        which = batch_rng.below(len(self._atlas), count)
        frames = fitting(self._atlas, draw_frames(self._atlas, which, (1, PIXELS, PIXELS), COARSE, batch_rng))
        stack, _ = stack_around(self._atlas, frames)
        images, bones = scan_volumes(self._atlas, stack, draw_contrast(count, batch_rng), batch_rng)
        images = torch.stack([resized(one) for one in clipped(images, rng)])
        return reorient(images, torch.stack([resized_labels(one) for one in bones]), rng)


def fitting(atlas: Atlas, frames: Frames) -> Frames:
    """Return the frames with slices so close together that a map is long enough for a stack of them."""
    axis, there = _along(atlas, frames)
    long = SLICES * frames.through_vx.gather(1, axis)[:, 0].abs()
    closer = (MOST_BEYOND * there / long).clamp_max(1)
    return replace(
        frames,
        through_vx=frames.through_vx * closer[:, None],
        spacing_mm=frames.spacing_mm * torch.stack([torch.ones_like(closer)] * 2 + [closer], 1),
        thickness_mm=frames.thickness_mm * closer,
    )


def stack_around(atlas: Atlas, frames: Frames) -> tuple[Frames, Int[Tensor, " b"]]:
    """Frames of the stacks that single slices belong to, as far inside the map as they go; and which slice each is."""
    axis, there = _along(atlas, frames)
    step = frames.through_vx.gather(1, axis)[:, 0]
    half = (SLICES * step.abs() / 2).minimum(there / 2)
    here = frames.center_vx.gather(1, axis)[:, 0]
    wanted = here.clamp(half - 0.5, there - half - 0.5)
    most = SLICES // 2
    away = ((wanted - here) / step).round().clamp(-most, most)
    return replace(frames, center_vx=frames.center_vx + away[:, None] * frames.through_vx), most - away.long()


def _along(atlas: Atlas, frames: Frames) -> tuple[Int[Tensor, "b 1"], Float[Tensor, " b"]]:
    """Return the axis of its map that each stack follows most closely, and the number of its voxels."""
    axis = frames.through_vx.abs().argmax(1, keepdim=True)
    return axis, atlas.shapes[frames.which].gather(1, axis)[:, 0].float()


def scan_volumes(
    atlas: Atlas,
    frames: Frames,
    contrast: Contrast,
    batch_rng: BatchRng,
    shape: tuple[int, int, int] = (SLICES, PIXELS, PIXELS),
    layers: int = LAYERS,
    texture_at: Int[Tensor, " b"] | None = None,
) -> tuple[Float[Tensor, "b h w s"], Int[Tensor, "b h w s"]]:
    """Volumes as a scanner shows them, and their bones; IGNORE where they are too faint to show anything.

    Args:
        atlas: Atlas; its device makes the images.
        frames: Positions of the slices.
        contrast: Contrast of each volume.
        batch_rng: Draws coils, readout and noise.
        shape: Slices, rows and columns.
        layers: Layers, see `sample`.
        texture_at: Texture offset, see `sample`; drawn if None.
    """
    acquisition = draw_acquisition(frames, contrast, batch_rng)
    texture_at = batch_rng.below(BLOCK**3, len(frames)) if texture_at is None else texture_at
    slices = sample(atlas, frames, contrast.to(atlas.voxels.device), shape, layers, texture_at)
    images, faint = develop(slices, frames, contrast, acquisition, atlas, batch_rng)
    shown = frames.shows(*shape[1:]).to(images.device)
    bones = torch.where(faint, IGNORE, slices.labels.long().clamp(max=IGNORE - 1)) * shown
    return (images * shown).permute(0, 2, 3, 1), bones.permute(0, 2, 3, 1)

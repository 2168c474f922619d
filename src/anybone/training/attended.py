"""Slices with the attention that a 3-D branch gives them: of patients, computed once; of synthetic anatomy, each time.

The branch sees the whole volume, and each slice its own part of the answer: when a slice is turned, zoomed or mirrored
then, so is its attention.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from anybone.core.array_types import Float, Int
from anybone.inference.attention import SIDE, attention_input, attention_map, slice_attention
from anybone.inference.slicing import SliceFrame
from anybone.models.bone_sam import BoneSam
from anybone.models.config import EMBEDDING_STRIDE
from anybone.synthetic.contrast import BatchRng, draw_contrast
from anybone.synthetic.contrast.texture import BLOCK
from anybone.synthetic.scanner import Aim, Atlas
from anybone.synthetic.scanner.aim import draw_frames
from anybone.synthetic.scanner.frames import Frames
from anybone.training.augment import augment_attended
from anybone.training.cache import IGNORE, AttendedCache
from anybone.training.config import TrainingConfig
from anybone.training.sampler import BalancedSampler
from anybone.training.slice_components import label_components
from anybone.training.slices import CaseVolume, Slice, cache_of, fitted_shape
from anybone.training.sources import clipped
from anybone.training.volumes import COARSE, PIXELS, SLICES, as_input, fitting, resized, scan_volumes, stack_around

AIM = Aim(thickness_mm=COARSE.thickness_mm, gap=COARSE.gap)  # of slices whose stack fills a volume
LAYERS = 5  # of a slice that is learned from
_WHOLE = SIDE * EMBEDDING_STRIDE  # pixels of a frame whose embedding has as many cells as an attention map


def attended_cache(cases: Iterable[CaseVolume], model: BoneSam) -> AttendedCache:
    """Return the slices that have any known label, each with its attention.

    Raises:
        NothingFoundError: There are none.
    """
    model = copy.deepcopy(model).eval()
    maps: list[Tensor] = []
    cache = cache_of(_attended(cases, model, maps))
    return AttendedCache(cache.images, cache.bones, cache.patients, torch.stack(maps))


@torch.no_grad()
def _attended(cases: Iterable[CaseVolume], model: BoneSam, maps: list[Tensor]) -> Iterator[Slice]:
    """Yield the slices of cases, putting each map into `maps`, so that only one volume is held at a time."""
    device = next(model.parameters()).device
    for case in cases:
        unit = torch.from_numpy(case.normalized.copy())
        probability = model.attend(attention_input(unit).to(device))[0, 0].cpu()
        rows, columns, depth = case.normalized.shape
        content = fitted_shape((rows, columns), case.aspect, _WHOLE)
        for k, one in enumerate(case.slices()):
            if (one.labels != IGNORE).any():
                frame = SliceFrame(2, k, (rows, columns), content, (_WHOLE, _WHOLE))
                maps.append(slice_attention(probability, frame, depth)[0])
                yield one


class AttendedSlices:
    """Slices of patients with their attention, drawn and changed at random as `RealSlices` are."""

    def __init__(self, cache: AttendedCache, config: TrainingConfig) -> None:
        device = config.device
        self._images, self._bones = cache.images.to(device), cache.bones.to(device)
        self._attention = cache.attention.to(device)
        self._sampler = BalancedSampler(cache, config.empty_slice_fraction)
        self._size, self._augmentation = config.model.image_size, config.augmentation

    def draw(
        self, count: int, rng: torch.Generator
    ) -> tuple[Float[Tensor, "b s s"], Int[Tensor, "b s s"], Float[Tensor, "b s s"]]:
        """Images in 0..1, their bones, and their attention."""
        drawn = self._sampler.draw(count, rng).to(rng.device)
        pixels, maps = (self._images[drawn], self._bones[drawn]), self._attention[drawn]
        return augment_attended(*pixels, maps, self._size, self._augmentation, rng)


class AttendedAnatomy:
    """Slices of synthetic anatomy; the volume around each is scanned too, coarsely, and shown to the 3-D branch."""

    def __init__(self, atlas: Atlas, model: BoneSam, config: TrainingConfig) -> None:
        self._atlas, self._size = atlas, config.model.image_size
        self._branch = copy.deepcopy(model).eval().requires_grad_(False).to(config.device)

    @torch.no_grad()
    def draw(
        self, count: int, rng: torch.Generator
    ) -> tuple[Float[Tensor, "b s s"], Int[Tensor, "b s s"], Float[Tensor, "b s s"]]:
        """Images in 0..1, their bones, and their attention; what is too faint to be seen is not known."""
        batch_rng = BatchRng(int(torch.randint(2**31, (1,), generator=rng, device=rng.device)))
        which, shape = batch_rng.below(len(self._atlas), count), (1, self._size, self._size)
        frames = fitting(self._atlas, draw_frames(self._atlas, which, shape, AIM, batch_rng))
        contrast, texture_at = draw_contrast(count, batch_rng), batch_rng.below(BLOCK**3, count)
        images, bones = scan_volumes(self._atlas, frames, contrast, batch_rng, shape, LAYERS, texture_at)
        stack, number = stack_around(self._atlas, coarser(frames, self._size))
        volumes, _ = scan_volumes(self._atlas, stack, contrast, batch_rng, texture_at=texture_at)
        cells = torch.stack([resized(one) for one in clipped(volumes, rng)])
        probability = self._branch.attend(as_input(cells))[:, 0]
        maps = [attention_map(p, k, SLICES) for p, k in zip(probability, number.tolist(), strict=True)]
        pieces = label_components(bones[..., 0])
        attention = torch.nn.functional.interpolate(torch.stack(maps)[:, None], size=shape[1:], mode="bilinear")
        return clipped(images[..., 0], rng), pieces, attention[:, 0]


def coarser(frames: Frames, size: int) -> Frames:
    """Return the same fields of view at `PIXELS` pixels per side, instead of `size`."""
    factor = size / PIXELS
    return replace(
        frames,
        right_vx=frames.right_vx * factor,
        down_vx=frames.down_vx * factor,
        spacing_mm=frames.spacing_mm * torch.tensor([factor, factor, 1.0]),
        shown=(frames.shown + 0.5) / factor - 0.5,
    )

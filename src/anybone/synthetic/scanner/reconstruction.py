"""Developing: from the signal in slices to the images a scanner shows."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Bool, Float, Int
from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast
from anybone.synthetic.scanner.atlas import Atlas
from anybone.synthetic.scanner.chunks import pieces
from anybone.synthetic.scanner.fields import Space, fat_left, sensitivity
from anybone.synthetic.scanner.frames import Frames
from anybone.synthetic.scanner.kspace import Acquisition, KSpace
from anybone.synthetic.scanner.sample import Slices

_SLICE_SPREAD = 0.015  # deviation of the brightness of neighboring slices
_EVENED_SHARE = 0.4  # of series are divided by the coil's sensitivity, more or less
_FAINTEST = 0.1  # sensitivity below which that stops
_VISIBLE = 3.0  # signal over noise
_VOID = 6.0  # how fast signal falls with the share of metal around
_VOID_PX = (5, 9, 15)


def develop(
    slices: Slices,
    frames: Frames,
    contrast: Contrast,
    acquisition: Acquisition,
    atlas: Atlas,
    rng: BatchRng,
    matrix: tuple[int, int] | None = None,
) -> tuple[Float[Tensor, "b s y x"], Bool[Tensor, "b s h w"]]:
    """Magnitude images of slices of signal, and where they are too faint to show anything.

    Images are about 1 where a bright common tissue is received neither well nor badly. Faint is where even such a
    tissue is lost in noise: far from the coil, beyond its ends, under a band of saturation.

    Args:
        slices: Slices from `sample`.
        frames: Their frames; on the CPU, as are `contrast` and `acquisition`.
        contrast: Their contrast.
        acquisition: Their readout.
        atlas: Atlas, with the faces that cut the body, and the device.
        rng: Draws coils, fields and noise.
        matrix: Rows and columns of the images; as many as the slices have if None.
    """
    device, (count, *shape) = slices.signal.device, slices.signal.shape
    rows, columns = matrix or (shape[1], shape[2])
    receiver = _Receiver(frames, contrast, acquisition, atlas, (shape[0], shape[1], shape[2]), rng)
    images = torch.empty(count, shape[0], rows, columns, device=device)
    faint = torch.empty(count, *shape, dtype=torch.bool, device=device)
    for which, part in pieces(count, tuple(shape), device):
        images[which, part], faint[which, part] = receiver.receive(slices, which, part, (rows, columns))
    return images, faint


class _Receiver:
    """Random state drawn once for each image: coil, fields, k-space."""

    def __init__(
        self,
        frames: Frames,
        contrast: Contrast,
        acquisition: Acquisition,
        atlas: Atlas,
        shape: tuple[int, int, int],
        rng: BatchRng,
    ) -> None:
        self.device, count = atlas.voxels.device, len(frames)
        self.space = Space.of(frames, shape)
        received = sensitivity(self.space, frames, atlas, rng)
        self.control = torch.stack([received, fat_left(self.space, contrast, rng)], dim=1)
        gain = torch.exp(rng.normal(_SLICE_SPREAD, count, shape[0], 1, 1)) / contrast.reference[:, None, None, None]
        self.gain = gain.to(self.device)
        self.evened = rng.uniform(0.3, 0.9, count) * rng.chance(_EVENED_SHARE, count)
        self.least = (_VISIBLE / acquisition.snr).to(self.device)
        self.metal = contrast.metal.to(self.device)
        self.k_space = KSpace(acquisition, frames, contrast, shape[1:], self.device)
        self.generator = rng.on(self.device)

    def receive(
        self, slices: Slices, which: Int[Tensor, " n"], part: slice, matrix: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Images of a part of the slices of some images, and where they are faint."""
        bright, left = self.space.spread(self.control, which, part, self.device).unbind(1)
        bright = bright.clamp_min_(0)
        received = bright * self.gain[which, part]
        if slices.metal is not None:
            received *= _beside_metal(slices.metal[which, part], self.metal[which])
        signal = slices.signal[which, part]
        fat = (signal.imag * received).mul_(left.clamp_(0, 1))
        image = self.k_space.image(which, signal.real * received, fat, matrix, self.generator)
        even = _evening(bright, self.evened[which], matrix)
        return image.mul_(even), bright < self.least[which, None, None, None]


def _evening(bright: Float[Tensor, "n s h w"], strength: Float[Tensor, " n"], matrix: tuple[int, int]) -> Tensor:
    """Return the factor by which a scanner corrects its coil, which amplifies noise together with signal."""
    if not strength.any():
        return torch.ones((), device=bright.device)
    even = bright.clamp_min(_FAINTEST) ** -strength[:, None, None, None].to(bright.device)
    return even if even.shape[-2:] == matrix else F.interpolate(even, matrix, mode="bilinear", align_corners=False)


def _beside_metal(metal: Float[Tensor, "n s h w"], reach: Float[Tensor, " n"]) -> Float[Tensor, "n s h w"]:
    """Share of signal that is left around metal: its void is wider than itself."""
    spread = metal
    for width in _VOID_PX:
        spread = torch.maximum(spread, F.avg_pool2d(spread, width, stride=1, padding=width // 2))
    return torch.exp(-_VOID * reach[:, None, None, None] * spread)

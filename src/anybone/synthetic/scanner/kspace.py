"""Acquisition: from signal in slices to a magnitude image, by way of k-space.

Rows and columns are encoded one by phase and one by frequency. K-space is cut off at the acquired resolution (which
rings at edges), filtered, filled with zeros up to the image's matrix; fat lies beside water along the frequency axis;
motion modulates the lines of the phase axis, which leaves ghosts; noise is Gaussian in k-space, so Rician in the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from anybone.core.array_types import Bool, Float, Int, Shaped
from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast
from anybone.synthetic.scanner.frames import Frames

Range = tuple[float, float]

_SNR = (28, 200)  # of a signal of 1, all protons of water at once
_LEAST_SNR = 10.0
_MOST_SHIFT_PX = 2.0  # of fat, in acquired pixels: beyond, a bandwidth is chosen that shifts less


@dataclass(frozen=True)
class Acquisition:
    """Readout of each of b images.

    Attributes:
        acquired_mm: True resolution along rows' and columns' steps: (down, right).
        filtered: 0 cuts k-space off hard, 1 filters it down to nothing.
        phase_down: The phase axis runs down; else to the right.
        shift_mm: Shift of fat along the frequency axis.
        snr: Reference signal over the standard deviation of noise.
        swing_mm: Amplitude of breathing or pulsation along the phase axis.
        swings: Lines of k-space per period of that motion.
        jerk_mm: Amplitude of a sudden motion.
        jerk_at: When it happens, as frequency of the line in cycles a pixel; after the middle, so that the image stays.
    """

    acquired_mm: Float[Tensor, "b 2"]
    filtered: Float[Tensor, " b"]
    phase_down: Bool[Tensor, " b"]
    shift_mm: Float[Tensor, " b"]
    snr: Float[Tensor, " b"]
    swing_mm: Float[Tensor, " b"]
    swings: Float[Tensor, " b"]
    jerk_mm: Float[Tensor, " b"]
    jerk_at: Float[Tensor, " b"]


def draw_acquisition(
    frames: Frames, contrast: Contrast, rng: BatchRng, finest_mm: Range = (0.25, 0.9), clean: bool = False
) -> Acquisition:
    """Acquisitions by chance, for frames whose pixels are at least as fine as what is acquired.

    Args:
        frames: Frames with the pixel size.
        contrast: Contrast with fat's frequency relative to water.
        rng: Random numbers.
        finest_mm: Bounds of the better of the two resolutions.
        clean: Little noise and no motion.
    """
    count = len(frames)
    pixel = frames.spacing_mm[:, :2].flip(1)
    finest = torch.maximum(rng.log_uniform(*finest_mm, count), pixel.amin(dim=1))
    phase_down = rng.chance(0.5, count)
    coarser = torch.where(phase_down[:, None], torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    acquired = finest[:, None] * (1 + coarser * rng.uniform(0, 0.5, count, 1))
    bandwidth_hz = rng.log_uniform(110, 500, count)
    direction = torch.where(rng.chance(0.5, count), 1.0, -1.0)
    moves, jerks = rng.chance(0.2, count), rng.chance(0.06, count)
    return Acquisition(
        acquired_mm=torch.maximum(acquired, pixel),
        filtered=rng.uniform(0, 1, count) * rng.chance(0.6, count),
        phase_down=phase_down,
        shift_mm=direction * (contrast.shift_hz.cpu() / bandwidth_hz).clamp_max(_MOST_SHIFT_PX) * finest,
        snr=rng.log_uniform(40, 100, count) if clean else _drawn_snr(contrast, rng),
        swing_mm=rng.log_uniform(0.05, 1.2, count) * (moves & (not clean)),
        swings=rng.uniform(2.1, 40, count),
        jerk_mm=rng.normal(1.5, count) * (jerks & (not clean)),
        jerk_at=rng.uniform(0.04, 0.3, count),
    )


def _drawn_snr(contrast: Contrast, rng: BatchRng) -> Float[Tensor, " b"]:
    """Draw the ratio of reference signal to noise: noise is equal for all sequences, so faint ones have more.

    Longer scans make up for some of that.
    """
    full = rng.log_uniform(*_SNR, len(contrast))
    return (full * contrast.reference.cpu() ** rng.uniform(0, 1, len(contrast))).clamp_min(_LEAST_SNR)


class KSpace:
    """Weights of k-space, made once for a batch and applied chunk by chunk.

    Args:
        acquisition: On the CPU, as are `frames`.
        frames: For their pixels' size.
        contrast: For fat's phase against water.
        shape: Rows and columns that are acquired.
        device: Device of the images.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        frames: Frames,
        contrast: Contrast,
        shape: tuple[int, int],
        device: torch.device,
    ) -> None:
        pixel = frames.spacing_mm[:, :2].flip(1)
        lines = [_Lines.of(acquisition, axis, pixel[:, axis], count) for axis, count in enumerate(shape)]
        self.down, self.right = (one.to(device) for one in lines)
        self.phase = torch.polar(torch.ones(len(frames)), contrast.fat_phase_rad.cpu()).to(device)
        strength = math.sqrt(shape[0] * shape[1]) / acquisition.snr
        for one in lines:
            strength = strength / one.window.square().mean(dim=1).sqrt()
        self.noise = strength.to(device)

    def image(
        self,
        which: Int[Tensor, " n"],
        water: Float[Tensor, "n s h w"],
        fat: Float[Tensor, "n s h w"],
        matrix: tuple[int, int],
        generator: torch.Generator,
    ) -> Float[Tensor, "n s y x"]:
        """Magnitude images of two pools of signal.

        Args:
            which: Numbers of the images in the batch.
            water: Signal in phase.
            fat: Signal of fat where it lies.
            matrix: Rows and columns of the image; k-space is filled up with zeros. Its first pixel lies where the
                first acquired one does.
            generator: Generator of noise, on the images' device.
        """
        down, right = self.down[which], self.right[which]
        turned = torch.fft.fft2(fat).mul_(_outer(down.shift, right.shift) * self.phase[which, None, None, None])
        k = turned.add_(torch.fft.fft2(water)).mul_(_outer(down.motion * down.window, right.motion * right.window))
        noise = torch.randn(*k.shape, 2, generator=generator, device=k.device)
        k += torch.view_as_complex(noise) * _outer(down.window * self.noise[which, None], right.window)
        image: Tensor = torch.fft.ifft2(_filled(k, matrix))
        return (image.real.square() + image.imag.square()).sqrt_()


def _filled(k: Shaped[Tensor, "n s h w"], matrix: tuple[int, int]) -> Shaped[Tensor, "n s y x"]:
    """K-space in a larger matrix, so scaled that the image keeps its brightness."""
    rows, columns = k.shape[-2:]
    if matrix == (rows, columns):
        return k
    full = torch.zeros(*k.shape[:-2], *matrix, dtype=k.dtype, device=k.device)
    up, left = (rows + 1) // 2, (columns + 1) // 2  # frequencies from 0 up; the rest are below 0
    for y in (slice(up), slice(up - rows, None)):
        for x in (slice(left), slice(left - columns, None)):
            full[..., y, x] = k[..., y, x]
    return full * (matrix[0] * matrix[1] / rows / columns)


def _outer(down: Shaped[Tensor, "n h"], right: Shaped[Tensor, "n w"]) -> Shaped[Tensor, "n 1 h w"]:
    """Products of each row's and each column's factor."""
    return down[:, None, :, None] * right[:, None, None, :]


@dataclass(frozen=True)
class _Lines:
    """Weights of k-space along one of its axes.

    Attributes:
        window: Acquired part, filtered.
        motion: Motion of the body while the lines of the phase axis are taken; 1 along the other axis.
        shift: Shift of fat along the frequency axis; 1 along the other.
    """

    window: Float[Tensor, "b n"]
    motion: Shaped[Tensor, "b n"]
    shift: Shaped[Tensor, "b n"]

    @classmethod
    def of(cls, acquisition: Acquisition, axis: int, pixel_mm: Tensor, count: int) -> _Lines:
        """Those of an axis (0 down, 1 right) with `count` lines."""
        frequency = torch.fft.fftfreq(count).expand(len(pixel_mm), count)  # cycles a pixel
        by_phase = (acquisition.phase_down if axis == 0 else ~acquisition.phase_down)[:, None]
        shift_px = torch.where(by_phase, 0.0, (acquisition.shift_mm / pixel_mm)[:, None])
        moved_px = torch.where(by_phase, _motion_mm(frequency, acquisition) / pixel_mm[:, None], 0.0)
        window = _window(frequency, pixel_mm / acquisition.acquired_mm[:, axis], acquisition.filtered)
        return cls(window, _moved(frequency, moved_px), _moved(frequency, shift_px))

    def __getitem__(self, which: Int[Tensor, " n"]) -> _Lines:
        return _Lines(self.window[which], self.motion[which], self.shift[which])

    def to(self, device: torch.device) -> _Lines:
        """Return a copy on another device."""
        return _Lines(self.window.to(device), self.motion.to(device), self.shift.to(device))


def _window(frequency: Tensor, fraction: Tensor, filtered: Tensor) -> Tensor:
    """1 in the middle of what is acquired, falling by a cosine to 1 - `filtered` at its rim, 0 beyond."""
    place = frequency.abs() * 2 / fraction[:, None]
    fall = 0.5 * filtered[:, None] * (1 - torch.cos(math.pi * place.clamp_max(1)))
    return (1 - fall) * (place <= 1)


def _motion_mm(frequency: Tensor, acquisition: Acquisition) -> Tensor:
    """Return the displacement of the body during each line, in order from one rim of k-space to the other."""
    line = frequency * frequency.shape[1]
    swing = acquisition.swing_mm[:, None] * torch.sin(2 * math.pi * line / acquisition.swings[:, None])
    return swing + acquisition.jerk_mm[:, None] * (frequency > acquisition.jerk_at[:, None])


def _moved(frequency: Tensor, pixels: Tensor) -> Tensor:
    """Return the k-space factor that moves an image along an axis."""
    return torch.polar(torch.ones_like(frequency), -2 * math.pi * frequency * pixels)

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

from anybone.anatomy.contrast.contrast import Contrast
from anybone.anatomy.contrast.dice import Dice
from anybone.anatomy.scanner.frames import Frames
from anybone.shapes import Bool, Float, Int, Shaped

Range = tuple[float, float]


@dataclass(frozen=True)
class Acquisition:
    """How each of b images is read out.

    Attributes:
        acquired_mm: True resolution along rows' and columns' steps: (down, right).
        filtered: 0 cuts k-space off hard, 1 filters it down to nothing.
        phase_down: The phase axis runs down; else to the right.
        shift_mm: Of fat along the frequency axis.
        snr: Reference signal over the standard deviation of noise.
        swing_mm: Of breathing or pulsation along the phase axis.
        swings: How many lines of k-space one swing takes.
        jerk_mm: Of a sudden motion.
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
    frames: Frames, contrast: Contrast, dice: Dice, finest_mm: Range = (0.35, 1.1), clean: bool = False
) -> Acquisition:
    """Acquisitions by chance, for frames whose pixels are at least as fine as what is acquired.

    Args:
        frames: How large pixels are.
        contrast: How far fat's frequency is from water's.
        dice: What draws.
        finest_mm: Bounds of the better of the two resolutions.
        clean: Little noise and no motion.
    """
    count = len(frames)
    pixel = frames.spacing_mm[:, :2].flip(1)
    finest = torch.maximum(dice.log_uniform(*finest_mm, count), pixel.amin(dim=1))
    phase_down = dice.chance(0.5, count)
    coarser = torch.where(phase_down[:, None], torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    acquired = finest[:, None] * (1 + coarser * dice.uniform(0, 0.5, count, 1))
    bandwidth_hz = dice.log_uniform(110, 500, count)
    direction = torch.where(dice.chance(0.5, count), 1.0, -1.0)
    moves, jerks = dice.chance(0.2, count), dice.chance(0.06, count)
    return Acquisition(
        acquired_mm=torch.maximum(acquired, pixel),
        filtered=dice.uniform(0, 1, count),
        phase_down=phase_down,
        shift_mm=direction * (contrast.shift_hz.cpu() / bandwidth_hz).clamp_max(3) * finest,
        snr=dice.log_uniform(40, 100, count) if clean else dice.log_uniform(12, 110, count),
        swing_mm=dice.log_uniform(0.05, 1.2, count) * (moves & (not clean)),
        swings=dice.uniform(2.1, 40, count),
        jerk_mm=dice.normal(1.5, count) * (jerks & (not clean)),
        jerk_at=dice.uniform(0.04, 0.3, count),
    )


class KSpace:
    """What k-space is multiplied by, made once for a batch and used piece by piece.

    Args:
        acquisition: On the CPU, as are `frames`.
        frames: For their pixels' size.
        contrast: For fat's phase against water.
        shape: Rows and columns that are acquired.
        device: Where images are.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        frames: Frames,
        contrast: Contrast,
        shape: tuple[int, int],
        device: torch.device,
    ) -> None:
        window, motion, shift = _lines(acquisition, frames, *shape)
        phase = contrast.fat_phase_rad.cpu()
        fat = shift * torch.polar(torch.ones_like(phase), phase)[:, None, None]
        noise = 1 / acquisition.snr / window.square().mean(dim=(1, 2)).sqrt() * math.sqrt(shape[0] * shape[1])
        self.window, self.fat = (window * motion)[:, None].to(device), fat[:, None].to(device)
        self.noise = (window * noise[:, None, None])[:, None].to(device)

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
            generator: Of noise, on the images' device.
        """
        k = torch.fft.fft2(fat).mul_(self.fat[which]).add_(torch.fft.fft2(water)).mul_(self.window[which])
        noise = torch.randn(*k.shape, 2, generator=generator, device=k.device)
        k += torch.view_as_complex(noise) * self.noise[which]
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


def _lines(
    acquisition: Acquisition, frames: Frames, rows: int, columns: int
) -> tuple[Float[Tensor, "b h w"], Shaped[Tensor, "b h w"], Shaped[Tensor, "b h w"]]:
    """What k-space is multiplied by: the window, the motion, and for fat the shift besides."""
    pixel = frames.spacing_mm[:, :2].flip(1)
    window, motion, shift = [], [], []
    for axis, count in enumerate((rows, columns)):
        frequency = torch.fft.fftfreq(count).expand(len(frames), count)  # cycles a pixel
        window.append(_window(frequency, pixel[:, axis] / acquisition.acquired_mm[:, axis], acquisition.filtered))
        motion.append(_motion(frequency, pixel[:, axis], acquisition))
        shift.append(_moved(frequency, (acquisition.shift_mm / pixel[:, axis])[:, None]))
    by_phase = acquisition.phase_down[:, None, None]
    return (
        window[0][:, :, None] * window[1][:, None, :],
        torch.where(by_phase, motion[0][:, :, None], motion[1][:, None, :]),
        torch.where(by_phase, shift[1][:, None, :], shift[0][:, :, None]).expand(-1, rows, columns),
    )


def _window(frequency: Tensor, fraction: Tensor, filtered: Tensor) -> Tensor:
    """1 in the middle of what is acquired, falling by a cosine to 1 - `filtered` at its rim, 0 beyond."""
    place = frequency.abs() * 2 / fraction[:, None]
    fall = 0.5 * filtered[:, None] * (1 - torch.cos(math.pi * place.clamp_max(1)))
    return (1 - fall) * (place <= 1)


def _motion(frequency: Tensor, pixel_mm: Tensor, acquisition: Acquisition) -> Tensor:
    """Phase of each line when the body lies elsewhere while that line is taken, in order from one rim to the other."""
    line = frequency * frequency.shape[1]
    swing = acquisition.swing_mm[:, None] * torch.sin(2 * math.pi * line / acquisition.swings[:, None])
    jerk = acquisition.jerk_mm[:, None] * (frequency > acquisition.jerk_at[:, None])
    return _moved(frequency, (swing + jerk) / pixel_mm[:, None])


def _moved(frequency: Tensor, pixels: Tensor) -> Tensor:
    """What k-space is multiplied by to move an image along an axis."""
    return torch.polar(torch.ones_like(frequency), -2 * math.pi * frequency * pixels)

"""Volumes that are no MRI of bone, made in code: what a network that is asked about them should not be believed on.

Each is a rough likeness, made from a seed: they show that a check acts, not that it misses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry
from anybone.core.volume import Volume

Image = NDArray[np.float32]
Generator = np.random.Generator

_CT = {"air": -1000.0, "fat": -100.0, "muscle": 50.0, "marrow": 250.0, "cortex": 1200.0}  # Hounsfield units
_CT_NOISE = 20.0
_NOISE = 20.0
_SKULL = {"t1": (0.9, 0.15, 0.2, 0.75, 0.5), "t2": (0.7, 0.1, 1.0, 0.4, 0.6)}  # scalp, skull, fluid, white, gray


def out_of_distribution(kind: str, seed: int = 0) -> Volume:
    """Return the volume of that kind, a key of `OUT_OF_DISTRIBUTION`; deterministic for a seed."""
    return OUT_OF_DISTRIBUTION[kind](np.random.default_rng(seed))


def ct(rng: Generator) -> Volume:
    """Return a thigh-like limb in Hounsfield units: air at -1000, one or two shafts with the brightest cortex."""
    shape = (192, 192, 12)
    x, y, z = _grid(shape)
    values = np.full(shape, _CT["air"], dtype=np.float32)
    _fill(values, _ellipse(x, y, 0, 0, rng.uniform(0.6, 0.85), rng.uniform(0.55, 0.8)), _CT["fat"])
    _fill(values, _ellipse(x, y, 0, 0, rng.uniform(0.45, 0.55), rng.uniform(0.45, 0.52)), _CT["muscle"])
    for left, front in rng.uniform(-0.25, 0.25, (rng.integers(1, 3), 2)):
        radius = rng.uniform(0.08, 0.14) * (1 + 0.2 * z)
        _fill(values, _ellipse(x, y, left, front, radius, radius), _CT["cortex"])
        _fill(values, _ellipse(x, y, left, front, 0.6 * radius, 0.6 * radius), _CT["marrow"])
    return _volume(values + rng.normal(0, _CT_NOISE, shape), (0.9, 0.9, 5))


def noise(rng: Generator) -> Volume:
    """Noise of a magnitude image, each voxel on its own."""
    shape = (192, 192, 12)
    return _volume(_magnitude(np.zeros(shape), rng, _NOISE), (0.8, 0.8, 4))


def empty_scanner(rng: Generator) -> Volume:
    """Return an empty scan: noise on half the matrix, zero-filled as scanners do, louder toward the coil."""
    small, shape = (96, 96, 10), (192, 192, 10)
    parts = []
    for _ in range(2):
        spectrum = np.zeros(shape, dtype=complex)
        spectrum[48:144, 48:144] = np.fft.fftshift(np.fft.fft2(rng.normal(0, _NOISE, small), axes=(0, 1)), (0, 1))
        parts.append(np.fft.ifft2(np.fft.ifftshift(spectrum, (0, 1)), axes=(0, 1)).real * 4)
    _, y, _ = _grid(shape)
    return _volume(np.hypot(*parts) * (1 + 0.5 * y), (0.8, 0.8, 4))


def photograph(rng: Generator) -> Volume:
    """One slice of 8 bits with the spectrum of natural images, amplitude falling with frequency, and some objects."""
    shape = (240, 320)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.fftfreq(shape[1]), indexing="ij"))
    frequency[0, 0] = 1
    picture = np.fft.ifft2(np.fft.fft2(rng.normal(size=shape)) / frequency).real
    picture = 128 + 45 * picture / picture.std()
    x, y, _ = _grid((*shape, 1))
    for _ in range(6):  # things in front of it
        thing = _ellipse(x, y, *rng.uniform(-0.9, 0.9, 2), *rng.uniform(0.1, 0.35, 2))[..., 0]
        picture[thing] = 0.5 * picture[thing] + rng.uniform(0, 128)
    return _volume(picture.clip(0, 255).round()[..., None], (1, 1, 1))


def phantom(rng: Generator) -> Volume:
    """Return a water phantom with a grid, rods and holes, as used for quality assurance of scanners."""
    shape = (192, 192, 10)
    x, y, _ = _grid(shape)
    values = np.zeros(shape, dtype=np.float32)
    _fill(values, _ellipse(x, y, 0, 0, 0.85, 0.85), 600)
    step = rng.uniform(0.14, 0.2)
    grid = (np.abs(x) < 0.45) & (np.abs(y) < 0.45)
    _fill(values, grid & ((np.abs(x / step % 1 - 0.5) < 0.1) | (np.abs(y / step % 1 - 0.5) < 0.1)), 60)
    for angle in np.linspace(0, 2 * np.pi, 10, endpoint=False):
        radius = rng.uniform(0.02, 0.08)
        _fill(values, _ellipse(x, y, 0.67 * np.cos(angle), 0.67 * np.sin(angle), radius, radius), rng.choice([30, 900]))
    return _volume(_magnitude(values, rng, 10), (1.0, 1.0, 5))


def brain(rng: Generator) -> Volume:
    """Return an axial head above the eyes: scalp, skull, fluid, folded gray and white matter, ventricles; T1 or T2."""
    shape = (192, 192, 16)
    x, y, z = _grid(shape)
    scalp, skull, fluid, white, gray = (600 * v for v in _SKULL[str(rng.choice(list(_SKULL)))])
    size = np.sqrt(np.maximum(1 - 0.5 * z**2, 0.1)) * rng.uniform(0.78, 0.85)
    from_center = np.hypot(x / 0.85, y) / size
    folds = _smooth(rng.normal(size=shape), 3.0)
    values = np.zeros(shape, dtype=np.float32)
    _fill(values, from_center < 1, scalp)
    _fill(values, from_center < 0.93, skull)
    _fill(values, from_center < 0.86, fluid)
    _fill(values, from_center + 0.05 * folds < 0.83, gray)
    _fill(values, from_center + 0.1 * folds < 0.74, white)
    for side in (-1, 1):
        _fill(values, _ellipse(x, y, side * 0.12, 0.05, 0.06, 0.28), fluid)
        _fill(values, _ellipse(x, y, side * 0.22, 0.0, 0.09, 0.14), gray)
    _fill(values, (np.abs(x) < 0.015) & (from_center < 0.83), fluid)
    return _volume(_magnitude(_smooth(values, 0.7), rng, 12), (1.0, 1.0, 5))


OUT_OF_DISTRIBUTION: Mapping[str, Callable[[Generator], Volume]] = {
    "ct": ct,
    "noise": noise,
    "empty scanner": empty_scanner,
    "photograph": photograph,
    "phantom": phantom,
    "brain": brain,
}


def _grid(shape: tuple[int, int, int]) -> tuple[NDArray[np.float64], ...]:
    """Coordinates -1..1 along each axis, the third 0 where there is one slice; they broadcast to `shape`."""
    axes = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape]
    return tuple(np.broadcast_to(g, shape) for g in np.meshgrid(*axes, indexing="ij"))


def _ellipse(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    center_x: float,
    center_y: float,
    radius_x: float | NDArray[np.float64],
    radius_y: float | NDArray[np.float64],
) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = ((x - center_x) / radius_x) ** 2 + ((y - center_y) / radius_y) ** 2 < 1
    return inside


def _fill(values: Image, where: NDArray[np.bool_], value: float) -> None:
    values[where] = value


def _smooth(values: NDArray[np.floating], sigma_px: float) -> NDArray[np.float64]:
    """Blurred within slices; noise stays at a standard deviation of one."""
    from scipy import ndimage

    blurred = ndimage.gaussian_filter(np.asarray(values, dtype=np.float64), (sigma_px, sigma_px, 0))
    return np.asarray(blurred / blurred.std() if abs(blurred.mean()) < 0.1 else blurred)


def _magnitude(values: NDArray[np.floating], rng: Generator, deviation: float) -> NDArray[np.float64]:
    """Return the image as a scanner's magnitude, with Rician noise."""
    return np.hypot(values + rng.normal(0, deviation, values.shape), rng.normal(0, deviation, values.shape))


def _volume(values: NDArray[np.floating], spacing_mm: tuple[float, float, float]) -> Volume:
    return Volume(np.asarray(values, dtype=np.float32), Geometry(values.shape, np.diag([*spacing_mm, 1.0])))

"""Volumes as uncompressed NIfTI-1 bytes for the viewer."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from anybone.core.orientation import upright
from anybone.core.volume import Volume

_LOWEST, _HIGHEST = np.iinfo(np.int16).min, np.iinfo(np.int16).max
_LARGEST_AXIS = np.iinfo(np.int16).max  # NIfTI-1 counts voxels in 16 bits
_EXTENSION_BYTES = 4  # all zero: none follow
_THUMBNAIL_PX = 128
_SCANNER = 1  # code of sform and qform: coordinates of the scanner


def nifti_bytes(volume: Volume) -> bytes:
    """Return the volume on its own grid in int16, scaled unless its values are 16-bit integers."""
    import nibabel as nib

    stored, slope, intercept = _int16(volume.data)
    affine = volume.geometry.affine_ras_mm
    kind = nib.Nifti1Image if max(stored.shape) <= _LARGEST_AXIS else nib.Nifti2Image
    picture = kind(stored, affine)
    picture.header.set_slope_inter(slope, intercept)
    picture.header.set_xyzt_units("mm")
    picture.set_sform(affine, code=_SCANNER)
    picture.set_qform(affine, code=_SCANNER, strip_shears=True)
    picture.header["cal_min"], picture.header["cal_max"] = _window(volume.data)
    picture.header["vox_offset"] = start = int(picture.header["sizeof_hdr"]) + _EXTENSION_BYTES
    head: bytes = picture.header.binaryblock
    return head.ljust(start, b"\0") + stored.astype("<i2", copy=False).tobytes(order="F")


def thumbnail_png(volume: Volume) -> bytes:
    """Return the middle slice, upright and in square pixels, as a PNG of at most 128 pixels."""
    from PIL import Image

    axis = volume.geometry.slice_axis
    view = upright(volume.geometry, axis)
    plane = view.picture(volume.data, volume.geometry.shape_ijk[axis] // 2)
    low, high = _window(volume.data)
    gray = (np.clip((plane - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    height_mm, width_mm = (n * mm for n, mm in zip(gray.shape, view.pixel_mm, strict=True))
    scale = _THUMBNAIL_PX / max(height_mm, width_mm)
    size = max(1, round(width_mm * scale)), max(1, round(height_mm * scale))
    png = io.BytesIO()
    Image.fromarray(gray).resize(size, Image.Resampling.BILINEAR).save(png, format="png")
    return png.getvalue()


def _int16(data: NDArray[np.float32]) -> tuple[NDArray[np.int16], float, float]:
    """Return the values in 16 bits, with slope and intercept."""
    low, high = float(data.min()), float(data.max())
    if low >= _LOWEST and high <= _HIGHEST and np.array_equal(data, np.rint(data)):
        return data.astype(np.int16), 1.0, 0.0
    slope = (high - low) / (_HIGHEST - _LOWEST) or 1.0
    return (np.rint((data.astype(np.float64) - low) / slope) + _LOWEST).astype(np.int16), slope, low - _LOWEST * slope


def _window(data: NDArray[np.float32]) -> tuple[float, float]:
    """Return the 1st and 99th percentile of a sample of the voxels, to show as black and white."""
    sample = data.ravel(order="K")[:: max(1, data.size // 200_000)]
    low, high = np.percentile(sample, (1, 99))
    return float(low), float(high if high > low else low + 1)

"""Pixels of the images of a stack -> one array "i j k", in the units of the scanner."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import MissingExtraError, ReadError
from anybone.io.dicom.codestream import declared_size
from anybone.io.dicom.images import Image, read_dataset
from anybone.io.dicom.stack import Stack
from anybone.io.dicom.values import integer
from anybone.io.guard import refusing
from anybone.io.limits import count_voxels

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset

_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def read_pixels(stack: Stack, max_voxels: int) -> tuple[NDArray[np.float32], tuple[Any, ...], tuple[str, ...]]:
    """Voxels float32 "i j k", the header of each slice in slice order (frames of one file share one), and notes.

    Stored numbers are rescaled by each image's own slope and intercept. Padding outside the image becomes the smallest
    other value; MONOCHROME1, where small means bright, is turned around.

    Raises:
        ReadError: Pixels that are cut off or damaged, or too many of them.
        MissingExtraError: No decoder for their compression is installed.
    """
    shape = stack.geometry.shape_ijk
    count_voxels(shape, max_voxels)
    data = np.empty(shape, dtype=np.float32, order="F")
    headers: list[Any] = [None] * shape[2]
    padded = 0
    for slices in _slices_by_file(stack):
        dataset = _read_file(slices, data)
        for k in slices:
            padded += int(np.isnan(data[:, :, k]).sum())
            headers[k] = dataset
    notes = []
    if 0 < padded < data.size:
        np.nan_to_num(data, copy=False, nan=float(np.nanmin(data)), posinf=np.inf, neginf=-np.inf)
        notes.append(f"{padded} voxels are padding and are taken as the smallest other value.")
    inverted = {header.get("PhotometricInterpretation") == "MONOCHROME1" for header in headers}
    if len(inverted) > 1:
        raise ReadError("Some images are MONOCHROME1 and some MONOCHROME2. Export the series again.")
    if inverted == {True}:
        np.subtract(data.max() + data.min(), data, out=data)
        notes.append("The images are MONOCHROME1 (small is bright) and were turned around.")
    return data, tuple(headers), tuple(notes)


def _slices_by_file(stack: Stack) -> list[dict[int, Image]]:
    """For each file its images by slice number, so that a file of many frames is read once."""
    files: dict[str, dict[int, Image]] = defaultdict(dict)
    for k, image in enumerate(stack.images):
        files[image.file.name][k] = image
    return list(files.values())


def _read_file(slices: dict[int, Image], data: NDArray[np.float32]) -> Dataset:
    """The header of a file; its pixels go into the slices of `data`, NaN where they are padding."""
    file = next(iter(slices.values())).file
    with refusing(file.name):
        dataset = read_dataset(file, pixels=True)
        if dataset is None:
            raise ReadError("The file changed while it was read. Try again.")
        _check_decodable(dataset)
        for k, image in slices.items():
            stored = _decode(dataset, image)
            with np.errstate(all="ignore"):
                values = stored.astype(np.float32) * np.float32(image.rescale[0]) + np.float32(image.rescale[1])
            values[_is_padding(stored, dataset)] = np.nan
            data[:, :, k] = values.T
        for keyword in _PIXEL_KEYWORDS:
            if keyword in dataset:
                delattr(dataset, keyword)
        return dataset


def _check_decodable(dataset: FileDataset) -> None:
    """Nothing, when the pixels are all there and a decoder for them is installed."""
    from pydicom.pixels.decoders.base import get_decoder

    if not any(dataset.get(keyword) is not None for keyword in _PIXEL_KEYWORDS):
        raise ReadError("The image has no pixels: the file is cut off, or only a header. Copy it again.")
    syntax = _transfer_syntax(dataset)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise ReadError(f"Images in transfer syntax {syntax.name} are not read. Save them uncompressed.") from None
    if not decoder.is_available:
        raise MissingExtraError(f"Reading images compressed as {syntax.name}", "codecs")
    if not syntax.is_compressed and dataset.get("PixelData") is not None:
        frames = integer(dataset, "NumberOfFrames") or 1
        needed = (int(dataset.Rows) * int(dataset.Columns) * frames * int(dataset.BitsAllocated) + 7) // 8
        if len(dataset.PixelData) < needed:
            raise ReadError(
                f"The image has {len(dataset.PixelData)} of {needed} bytes of pixels: it is cut off. Copy it again."
            )


def _transfer_syntax(dataset: FileDataset) -> Any:
    """The transfer syntax; for a file without a meta header, what its first elements show, which is then set."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset.ensure_file_meta()
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset.file_meta.TransferSyntaxUID


def _decode(dataset: FileDataset, image: Image) -> NDArray[np.generic]:
    """Stored numbers of one image, shape (rows, columns)."""
    from pydicom.encaps import get_frame
    from pydicom.pixels.utils import pixel_array

    wanted = (image.rows, image.columns)
    frames = integer(dataset, "NumberOfFrames") or 1
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        stream = get_frame(dataset.PixelData, image.frame or 0, number_of_frames=frames)
        if declared_size(stream) not in (None, wanted):
            raise ReadError(f"The compressed pixels are {declared_size(stream)}, the header says {wanted}: damaged.")
    stored = pixel_array(dataset, index=image.frame or 0, raw=True)
    if stored.shape != wanted:
        raise ReadError(f"The pixels have shape {stored.shape}, the header says {wanted}: the file is damaged.")
    return stored


def _is_padding(stored: NDArray[np.generic], dataset: Dataset) -> NDArray[np.bool_]:
    value = integer(dataset, "PixelPaddingValue")
    if value is None or stored.dtype.kind not in "iu":
        return np.zeros(stored.shape, dtype=bool)
    limit = integer(dataset, "PixelPaddingRangeLimit")
    # Some writers store the value with the wrong sign; wrapping it into the pixels' type reads both.
    ends = np.array([value, value if limit is None else limit], dtype=np.int64).astype(stored.dtype)
    inside: NDArray[np.bool_] = (stored >= ends.min()) & (stored <= ends.max())
    return inside

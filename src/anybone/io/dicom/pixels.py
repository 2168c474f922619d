"""Decode the pixels of a stack into one array "i j k", in the units of the scanner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import MissingExtraError, ReadError
from anybone.io.dicom.codestream import declared_size
from anybone.io.dicom.header import read_dataset
from anybone.io.dicom.images import Image
from anybone.io.dicom.stack import Stack
from anybone.io.dicom.values import integer
from anybone.io.limits import count_voxels
from anybone.io.padding import fill_lowest, fill_padding
from anybone.io.read_errors import refusing

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset

_JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
_NUMBER_OF_FRAMES = 0x00280008
_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def read_pixels(stack: Stack, max_voxels: int) -> tuple[NDArray[np.float32], tuple[Any, ...], tuple[str, ...]]:
    """Return voxels float32 "i j k", the header of each slice (frames of one file share one), and notes.

    Stored numbers are rescaled by each image's own slope and intercept. MONOCHROME1, where small means bright, is
    inverted. Padding outside the image becomes the darkest other value.

    Raises:
        ReadError: Pixels that are cut off or damaged, or too many of them.
        MissingExtraError: No decoder for their compression is installed.
    """
    shape = stack.geometry.shape_ijk
    count_voxels(shape, max_voxels)
    data = np.empty(shape, dtype=np.float32, order="F")
    padding = np.zeros(shape, dtype=bool, order="F")
    headers: list[Any] = [None] * shape[2]
    for slices in _slices_by_file(stack):
        dataset = _read_file(slices, data, padding)
        for k in slices:
            headers[k] = dataset
    inverted = {header.get("PhotometricInterpretation") == "MONOCHROME1" for header in headers}
    if len(inverted) > 1:
        raise ReadError("Some images are MONOCHROME1 and some MONOCHROME2. Export the series again.")
    notes = list(fill_padding(data, padding, low_is_bright=inverted == {True}))
    if inverted == {True}:
        np.subtract(data.max() + data.min(), data, out=data)
        notes.append("The images are MONOCHROME1 (small is bright) and were inverted.")
    elif not notes and (lowest := _lowest_of_type(headers, stack)) is not None:
        notes += fill_lowest(data, lowest)
    return data, tuple(headers), tuple(notes)


def _lowest_of_type(headers: Sequence[Dataset], stack: Stack) -> float | None:
    """Return the lowest number that the images can store, rescaled; None if it is 0 or differs between images."""
    kinds = {
        (integer(header, "PixelRepresentation") or 0, integer(header, "BitsAllocated") or 0, image.rescale)
        for header, image in zip(headers, stack.images, strict=True)
    }
    if len(kinds) > 1:
        return None
    signed, bits, (slope, intercept) = kinds.pop()
    return -(2.0 ** (bits - 1)) * slope + intercept if signed and bits and slope > 0 else None


def _slices_by_file(stack: Stack) -> list[dict[int, Image]]:
    """Return for each file its images by slice number, so that a file of many frames is read once."""
    files: dict[str, dict[int, Image]] = defaultdict(dict)
    for k, image in enumerate(stack.images):
        files[image.file.name][k] = image
    return list(files.values())


def _read_file(slices: dict[int, Image], data: NDArray[np.float32], padding: NDArray[np.bool_]) -> Dataset:
    """Read one file into the slices of `data`, mark its padding values in `padding`, and return its header."""
    file = next(iter(slices.values())).file
    with refusing(file.name):
        dataset = read_dataset(file)
        if dataset is None:
            raise ReadError("The file changed while it was read. Try again.")
        _check_decodable(dataset)
        for (k, image), stored in zip(slices.items(), _decoded(dataset, list(slices.values())), strict=True):
            slope, intercept = np.float32(image.rescale[0]), np.float32(image.rescale[1])
            with np.errstate(all="ignore"):
                data[:, :, k] = (stored.astype(np.float32) * slope + intercept).T
            marked = _padding_of(stored, dataset)
            if marked is not None:
                padding[:, :, k] = marked.T
        for keyword in _PIXEL_KEYWORDS:
            if keyword in dataset:
                delattr(dataset, keyword)
        return dataset


def _check_decodable(dataset: FileDataset) -> None:
    """Raise unless the pixels are complete and a decoder for them is installed."""
    from pydicom.pixels.decoders.base import get_decoder

    if not any(dataset.get(keyword) is not None for keyword in _PIXEL_KEYWORDS):
        raise ReadError("The image has no pixels: the file is cut off, or only a header. Copy it again.")
    syntax = _transfer_syntax(dataset)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise ReadError(f"Images in transfer syntax {syntax.name} are not read. Save them uncompressed.") from None
    if syntax == _JPEG_EXTENDED and (integer(dataset, "BitsStored") or 0) > 8:
        raise ReadError(
            "The image is compressed as JPEG Extended with more than 8 bits, for which there is no free decoder. "
            "Decompress the series first, for example with dcmdjpeg of DCMTK."
        )
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
    """Return the transfer syntax; a file without a meta header gets the one that its first elements show."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset.ensure_file_meta()
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset.file_meta.TransferSyntaxUID


def _decoded(dataset: FileDataset, images: Sequence[Image]) -> Iterator[NDArray[np.generic]]:
    """Yield the stored numbers of images of one file, each of shape (rows, columns)."""
    from pydicom.pixels.utils import pixel_array

    compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    single = _compressed_frames(dataset) if compressed and (integer(dataset, "NumberOfFrames") or 1) > 1 else None
    for image in images:
        wanted = (image.rows, image.columns)
        number = image.frame or 0
        if compressed:
            _check_declared_size(dataset if single is None else single[number], wanted)
        stored = (
            pixel_array(dataset, index=number, raw=True) if single is None else pixel_array(single[number], raw=True)
        )
        if stored.shape != wanted:
            raise ReadError(f"The pixels have shape {stored.shape}, the header says {wanted}: the file is damaged.")
        yield stored


def _check_declared_size(dataset: Dataset, wanted: tuple[int, int]) -> None:
    """Raise if the compressed pixels of a single frame declare another size than the header."""
    from pydicom.encaps import get_frame

    size = declared_size(get_frame(dataset.PixelData, 0, number_of_frames=1))
    if size not in (None, wanted):
        raise ReadError(f"The compressed pixels are {size}, the header says {wanted}: damaged.")


def _compressed_frames(dataset: FileDataset) -> list[Dataset]:
    """Return one dataset for each compressed frame.

    Without an offset table, looking up a frame by its number walks all frames before it; this walks them once.
    """
    from pydicom import Dataset
    from pydicom.encaps import encapsulate, generate_frames

    frames = integer(dataset, "NumberOfFrames") or 1
    shared = {e.tag: e for e in dataset.group_dataset(0x0028) if e.tag != _NUMBER_OF_FRAMES}
    result = []
    for stream in generate_frames(dataset.PixelData, number_of_frames=frames):
        single = Dataset(dict(shared))
        single.file_meta = dataset.file_meta
        single.PixelData = encapsulate([stream], has_bot=False)
        result.append(single)
    if len(result) < frames:
        raise ReadError(f"The header promises {frames} frames, the pixels hold {len(result)}: the file is cut off.")
    return result


def _padding_of(stored: NDArray[np.generic], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Return the pixels that hold the padding value of the header; None if it has none."""
    value = integer(dataset, "PixelPaddingValue")
    if value is None or stored.dtype.kind not in "iu":
        return None
    limit = integer(dataset, "PixelPaddingRangeLimit")
    # Some writers store the value with the wrong sign; wrapping it into the pixels' type reads both.
    ends = np.array([value, value if limit is None else limit], dtype=np.int64).astype(stored.dtype)
    inside: NDArray[np.bool_] = (stored >= ends.min()) & (stored <= ends.max())
    return inside

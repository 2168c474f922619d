"""Headers of DICOM files, as one flat record for each image or frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import ReadError
from anybone.io.dicom.files import PREAMBLE_BYTES, File, looks_like_dicom
from anybone.io.dicom.values import hint, integer, mark, numbers
from anybone.io.guard import refusing

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset

# What tells two volumes of one series apart, most telling first: name in messages -> keyword of classic images, and
# (functional group, keyword) of enhanced ones.
SPLITS: dict[str, tuple[str, tuple[str, str]]] = {
    "echo": ("EchoNumbers", ("MREchoSequence", "EchoNumbers")),
    "te": ("EchoTime", ("MREchoSequence", "EffectiveEchoTime")),
    "time": ("TemporalPositionIdentifier", ("FrameContentSequence", "TemporalPositionIndex")),
    "stack": ("StackID", ("FrameContentSequence", "StackID")),
    "ti": ("InversionTime", ("MRModifierSequence", "InversionTimes")),
    "b": ("DiffusionBValue", ("MRDiffusionSequence", "DiffusionBValue")),
    "flip": ("FlipAngle", ("MRTimingAndRelatedParametersSequence", "FlipAngle")),
    "trigger": ("TriggerTime", ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime")),
    "type": ("ImageType", ("MRImageFrameTypeSequence", "FrameType")),
    "acquisition": ("AcquisitionNumber", ("FrameContentSequence", "FrameAcquisitionNumber")),
}

_KEYWORDS = [
    *("SOPClassUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "Modality", "ImageType"),
    *("InstanceNumber", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"),
    *("BitsAllocated", "PixelRepresentation", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
    *("SliceThickness", "SpacingBetweenSlices", "RescaleSlope", "RescaleIntercept"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *(classic for classic, _ in SPLITS.values()),
]

_ROWS = 0x00280010  # the tag up to which a file shows whether it is an image
_DEFLATED = "1.2.840.10008.1.2.1.99"
_NOT_MEASURED = ("Segmentation Storage",)  # image storage classes that hold no MR signal
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Image:
    """One classic image, or one frame of an enhanced file.

    Attributes:
        file: Where it is stored.
        frame: Index from 0 in a multi-frame file; None in a classic one.
        series_uid: SeriesInstanceUID; empty where missing.
        series_number: The scanner's number, where it gave one.
        text: Series description.
        modality: "MR", "CT", ...
        rows: Number of rows, j.
        columns: Number of columns, i.
        position: LPS mm of the first pixel; None where missing.
        orientation: Unit vectors along a row and along a column, shape (2, 3), LPS; None where missing.
        spacing: Distance between rows and between columns in mm; None where missing.
        thickness: Distance to the next slice in mm as the header has it; None where missing.
        gray: Whether a pixel is one gray value.
        mosaic: Whether many slices are tiled into this one image.
        value_type: Type of the stored numbers.
        rescale: Slope and intercept.
        splits: Values of `SPLITS`.
    """

    file: File
    frame: int | None
    series_uid: str
    series_number: int | None
    text: str
    modality: str
    rows: int
    columns: int
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: tuple[float, float] | None
    thickness: float | None
    gray: bool
    mosaic: bool
    value_type: str
    rescale: tuple[float, float]
    splits: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.file.name if self.frame is None else f"{self.file.name} frame {self.frame + 1}"


@dataclass(frozen=True)
class Found:
    """The images of some files, and a note on the files that are none."""

    images: tuple[Image, ...]
    notes: tuple[str, ...]


def read_headers(files: Iterable[File]) -> Found:
    """The images among `files`; all other files are counted in a note.

    Raises:
        ReadError: A DICOM image whose header is damaged: leaving it out would bend the volume.
    """
    images: list[Image] = []
    skipped: list[str] = []
    for file in files:
        with refusing(file.name):
            dataset = read_dataset(file, pixels=False)
            if dataset is None or not _is_image(dataset):
                skipped.append(file.name)
            else:
                images += _images(file, dataset)
    return Found(tuple(images), (_skip_note(skipped),) if skipped else ())


def _skip_note(skipped: list[str]) -> str:
    shown = ", ".join(skipped[:_NAMES_SHOWN]) + (", ..." if len(skipped) > _NAMES_SHOWN else "")
    one = len(skipped) == 1
    count = "1 file that is no DICOM image was" if one else f"{len(skipped)} files that are no DICOM images were"
    return f"{count} left out: {shown}."


def read_dataset(file: File, *, pixels: bool) -> FileDataset | None:
    """The DICOM dataset of a file; None where it is no DICOM.

    Args:
        file: What to read.
        pixels: Whether to read everything; otherwise only what `Image` needs.

    Raises:
        ReadError: The whole file is deflated, which could unpack to any size.
    """
    import pydicom

    with file.stream() as stream:
        if not _is_dicom(stream, file.name):
            return None
        tags = None if pixels else list(_KEYWORDS)
        return pydicom.dcmread(stream, force=True, stop_before_pixels=not pixels, specific_tags=tags)


def holds_image(file: File) -> bool:
    """Whether a file is a DICOM image, by its header up to the number of rows: pixels and contours are not read.

    A damaged one counts as an image, so that it is not passed over: reading it says what is wrong.
    """
    from pydicom.filereader import read_partial

    try:
        with refusing(file.name), file.stream() as stream:
            if not _is_dicom(stream, file.name):
                return False
            return _is_image(read_partial(stream, stop_when=lambda tag, _vr, _length: tag > _ROWS, force=True))
    except ReadError:
        return True


def _is_dicom(stream: BinaryIO, name: str) -> bool:
    """Whether the stream, which then stands at its start again, is DICOM."""
    if not looks_like_dicom(stream.read(PREAMBLE_BYTES + 8)):
        return False
    stream.seek(0)
    if _DEFLATED in _transfer_syntax(stream):
        raise ReadError(f"{name} is a deflated DICOM file, which is not read. Save it uncompressed.")
    stream.seek(0)
    return True


def _transfer_syntax(stream: Any) -> str:
    from pydicom.filereader import read_dataset as read_until
    from pydicom.filereader import read_preamble

    read_preamble(stream, force=True)
    meta = read_until(stream, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    return str(meta.get("TransferSyntaxUID", ""))


def _is_image(dataset: Dataset) -> bool:
    from pydicom.uid import UID

    kind = UID(str(dataset.get("SOPClassUID", ""))).name
    if "Rows" not in dataset:
        if kind.endswith("Image Storage"):
            raise ReadError("The header of this image is cut off. Copy the file again.")
        return False
    return kind not in _NOT_MEASURED


def _images(file: File, dataset: Dataset) -> list[Image]:
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    frames = integer(dataset, "NumberOfFrames") or 1
    if not per_frame:
        return [_image(file, None, dataset, lambda _group, keyword: dataset.get(keyword), many=frames > 1)]
    if frames != len(per_frame):
        raise ReadError(f"The header promises {frames} frames and describes {len(per_frame)}: it is damaged.")
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
    return [_image(file, n, dataset, partial(_in_groups, [own, *shared])) for n, own in enumerate(per_frame)]


def _in_groups(groups: list[Dataset], group: str, keyword: str) -> Any:
    """A value of the frame's own functional groups, else of the shared ones."""
    for item in groups:
        sequence = item.get(group)
        if sequence and sequence[0].get(keyword) is not None:
            return sequence[0].get(keyword)
    return None


def _image(
    file: File, frame: int | None, dataset: Dataset, value: Callable[[str, str], Any], *, many: bool = False
) -> Image:
    """The record of one image.

    Args:
        file: Where it is stored.
        frame: As in `Image`.
        dataset: The file's header.
        value: (functional group, keyword) -> what the header says for this image.
        many: Whether these are several frames in one that do not say where each lies; no grid can be built from them.
    """
    rows, columns = integer(dataset, "Rows") or 0, integer(dataset, "Columns") or 0
    if rows < 1 or columns < 1:
        raise ReadError(f"The header says the image has {rows} rows and {columns} columns: it is damaged.")

    def needed(group: str, keyword: str, size: int) -> tuple[float, ...] | None:
        return numbers(value(group, keyword), size, keyword)

    position = None if many else needed("PlanePositionSequence", "ImagePositionPatient", 3)
    cosines = needed("PlaneOrientationSequence", "ImageOrientationPatient", 6)
    spacing = needed("PixelMeasuresSequence", "PixelSpacing", 2)
    slope = needed("PixelValueTransformationSequence", "RescaleSlope", 1)
    intercept = needed("PixelValueTransformationSequence", "RescaleIntercept", 1)
    between, thickness = (hint(value("PixelMeasuresSequence", k)) for k in ("SpacingBetweenSlices", "SliceThickness"))
    series_number = hint(dataset.get("SeriesNumber"))
    return Image(
        file=file,
        frame=frame,
        series_uid=str(dataset.get("SeriesInstanceUID") or ""),
        series_number=None if series_number is None else int(series_number),
        text=str(dataset.get("SeriesDescription") or ""),
        modality=str(dataset.get("Modality") or ""),
        rows=rows,
        columns=columns,
        position=None if position is None else np.array(position),
        orientation=None if cosines is None else np.array(cosines).reshape(2, 3),
        spacing=None if spacing is None else (spacing[0], spacing[1]),
        thickness=abs(between or thickness or 0.0) or None,
        gray=_is_gray(dataset),
        mosaic="MOSAIC" in str(dataset.get("ImageType") or ""),
        value_type=f"{'int' if integer(dataset, 'PixelRepresentation') else 'uint'}{dataset.get('BitsAllocated', 0)}",
        rescale=(1.0 if slope is None else slope[0], 0.0 if intercept is None else intercept[0]),
        splits={
            name: mark(value(group, classic if frame is None else keyword))
            for name, (classic, (group, keyword)) in SPLITS.items()
        },
    )


def _is_gray(dataset: Dataset) -> bool:
    kind = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    return (integer(dataset, "SamplesPerPixel") or 1) == 1 and kind in ("MONOCHROME1", "MONOCHROME2")

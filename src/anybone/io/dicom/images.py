"""Headers of DICOM files, as one flat record for each image or frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import ReadError
from anybone.io.dicom.files import File
from anybone.io.dicom.header import PlainHeader, is_uih_grid, read_header, read_start
from anybone.io.dicom.values import comparable, integer, numbers, optional_number, words
from anybone.io.read_errors import refusing

if TYPE_CHECKING:
    from pydicom import Dataset

# Properties that tell two volumes of one series apart, most telling first: name in messages -> keyword of classic
# images, and (functional group, keyword) of enhanced ones.
SPLITS: dict[str, tuple[str, tuple[str, str]]] = {
    "echo": ("EchoNumbers", ("MREchoSequence", "EchoNumbers")),
    "te": ("EchoTime", ("MREchoSequence", "EffectiveEchoTime")),
    "time": ("TemporalPositionIdentifier", ("FrameContentSequence", "TemporalPositionIndex")),
    "ti": ("InversionTime", ("MRModifierSequence", "InversionTimes")),
    "b": ("DiffusionBValue", ("MRDiffusionSequence", "DiffusionBValue")),
    "flip": ("FlipAngle", ("MRTimingAndRelatedParametersSequence", "FlipAngle")),
    "trigger": ("TriggerTime", ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime")),
    "component": ("ComplexImageComponent", ("MRImageFrameTypeSequence", "ComplexImageComponent")),
    "type": ("ImageType", ("MRImageFrameTypeSequence", "FrameType")),
    "acquisition": ("AcquisitionNumber", ("FrameContentSequence", "FrameAcquisitionNumber")),
}
_STACK_ID = ("StackID", ("FrameContentSequence", "StackID"))

_KEYWORDS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "Modality"),
    *("InstanceNumber", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"),
    *("BitsAllocated", "PixelRepresentation", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
    *("SliceThickness", "SpacingBetweenSlices", "RescaleSlope", "RescaleIntercept", "AcquisitionTime", "ContentTime"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *(classic for classic, _ in (*SPLITS.values(), _STACK_ID)),
)

_LOCALIZER = ("LOCALIZER", "SCOUT")  # words of ImageType
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Image:
    """One classic image, or one frame of an enhanced file.

    Attributes:
        file: File that holds the image.
        frame: Index from 0 in a multi-frame file; None in a classic one.
        instance_uid: SOPInstanceUID; empty if missing.
        number: InstanceNumber; None if missing.
        acquired: Acquisition time, else content time, as the number hhmmss.f; None if missing.
        series_uid: SeriesInstanceUID; empty if missing.
        series_number: SeriesNumber; None if missing.
        text: Series description.
        modality: "MR", "CT", ...
        rows: Number of rows, j.
        columns: Number of columns, i.
        position: LPS mm of the first pixel; None if missing.
        orientation: Unit vectors along a row and along a column, shape (2, 3), LPS; None if missing.
        spacing: Distance between rows and between columns in mm; None if missing.
        thickness: Distance to the next slice in mm as the header has it; None if missing.
        gray: True if a pixel is one gray value.
        tiled: Kind of tiling if many slices are tiled into this one image; else empty.
        localizer: True if the image type says so.
        value_type: Type of the stored numbers.
        rescale: Slope and intercept.
        stack_id: StackID; None if missing.
        splits: Values of `SPLITS`.
    """

    file: File
    frame: int | None
    instance_uid: str
    number: float | None
    acquired: float | None
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
    tiled: str
    localizer: bool
    value_type: str
    rescale: tuple[float, float]
    stack_id: Any
    splits: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The image's name in messages."""
        return self.file.name if self.frame is None else f"{self.file.name} frame {self.frame + 1}"


@dataclass(frozen=True)
class Found:
    """The images of some files.

    Attributes:
        images: One record for each image or frame.
        damaged: For each image with a damaged header: SeriesInstanceUID, SeriesNumber and what is wrong.
        empty: Names of files of 0 bytes, which may be images that were not copied.
        notes: Notes on files that are not images.
    """

    images: tuple[Image, ...]
    damaged: tuple[tuple[str, int | None, str], ...]
    empty: tuple[str, ...]
    notes: tuple[str, ...]


def read_headers(files: Iterable[File]) -> Found:
    """Return the images among `files`, with a note on all other files.

    Raises:
        ReadError: The header of an image is damaged before its series. Leaving the image out would distort a volume.
    """
    images: list[Image] = []
    damaged: list[tuple[str, int | None, str]] = []
    skipped: list[str] = []
    empty: list[str] = []
    for file in files:
        if not file.size:
            empty.append(file.name)
            skipped.append(f"{file.name} (0 bytes)")
            continue
        try:
            with refusing(file.name):
                header, kind = read_header(file, _KEYWORDS)
                if header is None or not _is_image(header):
                    skipped.append(f"{file.name} ({kind})" if kind else file.name)
                else:
                    images += _images(file, header)
        except ReadError as error:
            series = _series_of(file)
            if series is None:
                raise
            damaged.append((*series, str(error)))
    return Found(tuple(images), tuple(damaged), tuple(empty), (_skip_note(skipped),) if skipped else ())


def _skip_note(skipped: list[str]) -> str:
    shown = ", ".join(skipped[:_NAMES_SHOWN]) + (", ..." if len(skipped) > _NAMES_SHOWN else "")
    count = (
        "1 file that is not a DICOM image" if len(skipped) == 1 else f"{len(skipped)} files that are not DICOM images"
    )
    return f"Skipped {count}: {shown}."


def _series_of(file: File) -> tuple[str, int | None] | None:
    """Return SeriesInstanceUID and SeriesNumber of a damaged file; None if its header ends before them."""
    try:
        with refusing(file.name):
            start = read_start(file, "InstanceNumber")
            uid, number = str(start.get("SeriesInstanceUID") or ""), optional_number(start.get("SeriesNumber"))
    except ReadError:
        return None
    if not uid or "InstanceNumber" not in start:  # the element after both shows that they are complete
        return None
    return uid, None if number is None else int(number)


def holds_image(file: File) -> bool:
    """Return whether a file is a DICOM image, by its header.

    A damaged image counts as an image, so that it is not skipped silently: reading it reports the damage.
    """
    try:
        with refusing(file.name):
            header, _ = read_header(file, ("SOPClassUID", "Rows"))
            return header is not None and _is_image(header)
    except ReadError:
        return True


def _is_image(header: PlainHeader | Dataset) -> bool:
    from pydicom.uid import UID

    if "Rows" in header:
        return True
    if "Image Storage" in UID(str(header.get("SOPClassUID", ""))).name:
        raise ReadError("The header of this image is cut off. Copy the file again.")
    return False


def _images(file: File, header: PlainHeader | Dataset) -> list[Image]:
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    frames = integer(header, "NumberOfFrames") or 1
    if not per_frame:
        return [_image(file, None, header, lambda _group, keyword: header.get(keyword), many=frames > 1)]
    if frames != len(per_frame):
        raise ReadError(f"The header promises {frames} frames and describes {len(per_frame)}: it is damaged.")
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])[:1]
    return [_image(file, n, header, partial(_in_groups, [own, *shared])) for n, own in enumerate(per_frame)]


def _in_groups(groups: list[Dataset], group: str, keyword: str) -> Any:
    """Return a value of the frame's own functional groups, else of the shared ones; None if neither has it."""
    for item in groups:
        sequence = item.get(group)
        if sequence and sequence[0].get(keyword) is not None:
            return sequence[0].get(keyword)
    return None


def _image(
    file: File,
    frame: int | None,
    header: PlainHeader | Dataset,
    value: Callable[[str, str], Any],
    *,
    many: bool = False,
) -> Image:
    """Return the record of one image.

    Args:
        file: File that holds the image.
        frame: Frame number as in `Image`.
        header: Header of the file.
        value: (functional group, keyword) -> value of the header for this image.
        many: True if the file holds several frames without their positions; no grid can be built from them.
    """
    rows, columns = integer(header, "Rows") or 0, integer(header, "Columns") or 0
    if rows < 1 or columns < 1:
        raise ReadError(f"The header says the image has {rows} rows and {columns} columns: it is damaged.")

    def distinct(classic: str, enhanced: tuple[str, str]) -> Any:
        return comparable(value(enhanced[0], classic if frame is None else enhanced[1]))

    slope = numbers(value("PixelValueTransformationSequence", "RescaleSlope"), 1, "RescaleSlope")
    intercept = numbers(value("PixelValueTransformationSequence", "RescaleIntercept"), 1, "RescaleIntercept")
    plane = _plane(value)
    kind = {word.upper() for word in words(header.get("ImageType"))}
    return Image(
        file=file,
        frame=frame,
        rows=rows,
        columns=columns,
        **_identity(header),
        **(plane | {"position": None} if many else plane),
        gray=_is_gray(header),
        tiled=_tiling(file, kind, placed=plane["position"] is not None or many),
        localizer=not kind.isdisjoint(_LOCALIZER),
        value_type=f"{'int' if integer(header, 'PixelRepresentation') else 'uint'}{header.get('BitsAllocated', 0)}",
        rescale=(1.0 if slope is None else slope[0], 0.0 if intercept is None else intercept[0]),
        stack_id=distinct(*_STACK_ID),
        splits={name: distinct(*keywords) for name, keywords in SPLITS.items()},
    )


def _identity(header: PlainHeader | Dataset) -> dict[str, Any]:
    """Return the attributes of `Image` that tell which image of which series it is."""
    series_number = optional_number(header.get("SeriesNumber"))
    times = (optional_number(header.get(keyword)) for keyword in ("AcquisitionTime", "ContentTime"))
    return {
        "instance_uid": str(header.get("SOPInstanceUID") or ""),
        "number": optional_number(header.get("InstanceNumber")),
        "acquired": next((time for time in times if time is not None), None),
        "series_uid": str(header.get("SeriesInstanceUID") or ""),
        "series_number": None if series_number is None else int(series_number),
        "text": str(header.get("SeriesDescription") or ""),
        "modality": str(header.get("Modality") or ""),
    }


def _plane(value: Callable[[str, str], Any]) -> dict[str, Any]:
    """Return the attributes of `Image` that place it in the patient."""

    def needed(group: str, keyword: str, size: int) -> tuple[float, ...] | None:
        return numbers(value(group, keyword), size, keyword)

    position = needed("PlanePositionSequence", "ImagePositionPatient", 3)
    cosines = needed("PlaneOrientationSequence", "ImageOrientationPatient", 6)
    gap, thickness = (
        optional_number(value("PixelMeasuresSequence", k)) for k in ("SpacingBetweenSlices", "SliceThickness")
    )
    return {
        "position": None if position is None else np.array(position),
        "orientation": None if cosines is None else np.array(cosines).reshape(2, 3),
        "spacing": needed("PixelMeasuresSequence", "PixelSpacing", 2),
        "thickness": abs(gap or thickness or 0.0) or None,
    }


def _tiling(file: File, kind: set[str], *, placed: bool) -> str:
    """Return the name of the way in which several slices are tiled into one image; empty if they are not."""
    if "MOSAIC" in kind:
        return "Siemens mosaic"
    return "United Imaging grid" if not placed and is_uih_grid(file) else ""


def _is_gray(header: PlainHeader | Dataset) -> bool:
    kind = str(header.get("PhotometricInterpretation", "MONOCHROME2"))
    return (integer(header, "SamplesPerPixel") or 1) == 1 and kind in ("MONOCHROME1", "MONOCHROME2")

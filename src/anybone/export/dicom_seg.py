"""DICOM SEG: a segmentation as a DICOM object that refers to the images it was found in."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anybone.core.atomic import whole_file
from anybone.core.errors import MissingExtraError
from anybone.core.labels import BONES, Side, named
from anybone.core.segmentation import Provenance, Segmentation
from anybone.export.dicom_source import COPIED, SourceSlice, proxies, slices_of
from anybone.version import __version__

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from pydicom import Dataset

PRIVATE_CREATOR = "ANYBONE"
PRIVATE_GROUP = 0x0071  # an odd group; holds the whole grid and the labels' own numbers, which a SEG has no place for
SHAPE, AFFINE, LABELS = 0x01, 0x02, 0x03

_ANY_BONE = BONES["bone"].snomed_ct
_SIDES: dict[Side, tuple[str, str]] = {"left": ("7771000", "Left"), "right": ("24028007", "Right")}
_LONGEST_LABEL = 64  # characters of a DICOM long string
_SERIES_NUMBER_STEP = 1_000_000  # leaves room for the time of day, HHMMSS


def write_dicom_seg(segmentation: Segmentation, path: Path) -> None:
    """Write a DICOM SEG with a segment for each label that occurs.

    Frames have the positions of the source images and refer to them; slices without bone have no frame. Segments carry
    the SNOMED CT code, side and color of the bone. Text is in UTF-8. Series number and description contain the time, so
    that two saves can be distinguished.

    Raises:
        WriteError: The segmentation was not found in DICOM images, or these do not say which they are.
        MissingExtraError: highdicom is not installed.
    """
    try:
        import highdicom.seg as seg
        from pydicom import config
        from pydicom.uid import ExplicitVRLittleEndian, generate_uid
    except ImportError as error:
        raise MissingExtraError("Writing DICOM SEG", "dicom-seg") from error

    slices = slices_of(segmentation)
    labels = _labels(segmentation)
    numbered = np.zeros(max(segmentation.names, default=0) + 1, dtype=np.uint8 if len(labels) < 256 else np.uint16)
    numbered[labels] = np.arange(1, len(labels) + 1)
    planes = numbered[segmentation.labels].transpose(2, 1, 0)  # slice, row j, column i
    made, now = segmentation.provenance, datetime.now()
    with warnings.catch_warnings(), config.disable_value_validation():  # the source's own values are as they are
        warnings.simplefilter("ignore")
        images = proxies(slices)
        document = seg.Segmentation(
            source_images=images,
            pixel_array=planes,
            segmentation_type=seg.SegmentationTypeValues.BINARY,
            segment_descriptions=[_description(segmentation, n, label) for n, label in enumerate(labels, 1)],
            series_instance_uid=generate_uid(prefix=None),
            series_number=_series_number(images[0].SeriesNumber, now),
            sop_instance_uid=generate_uid(prefix=None),
            instance_number=1,
            manufacturer="anybone",
            manufacturer_model_name="anybone",
            software_versions=made.version if made else __version__,
            device_serial_number=(made.weights_sha256 if made and made.weights_sha256 else "none")[:_LONGEST_LABEL],
            content_label="BONES",
            content_description=_content_description(made),
            series_description=f"Bones, anybone {now:%Y-%m-%d %H:%M:%S}, research use only",
            content_creator_name="anybone",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            omit_empty_frames=bool(planes.any()),  # where all are empty, they have to be there
        )
        _refer(document, slices)
        _copy(slices[0].header, document)
        _add_private(document, segmentation, labels)
        with whole_file(path, ".dcm") as part:
            document.save_as(part)


def _series_number(source: Any, now: datetime) -> int:
    """Return a number that contains the source's and the time of day: 3 at 14:05:09 gives 3140509."""
    return (int(source or 0) % 2000) * _SERIES_NUMBER_STEP + int(f"{now:%H%M%S}")


def _copy(header: Dataset, document: Dataset) -> None:
    """Copy attributes that highdicom leaves out."""
    for keyword in COPIED:
        if header.get(keyword):
            setattr(document, keyword, header.get(keyword))


def _labels(segmentation: Segmentation) -> list[int]:
    """Return the labels that occur; all named labels if none occurs, so that the file lists what was searched."""
    found = np.flatnonzero(np.bincount(segmentation.labels.ravel())[1:]) + 1
    return [int(n) for n in found] or list(segmentation.names)


def _description(segmentation: Segmentation, number: int, label: int) -> SegmentDescription:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code
    from pydicom.uid import generate_uid

    name, made = segmentation.names[label], segmentation.provenance
    bone = named(name)
    value, meaning = bone.snomed_ct if bone else _ANY_BONE
    identity = None
    kind = SegmentAlgorithmTypeValues.MANUAL
    if made is not None:
        by_itself = segmentation.probability is not None  # a session, in which a person points, keeps none
        kind = SegmentAlgorithmTypeValues.AUTOMATIC if by_itself else SegmentAlgorithmTypeValues.SEMIAUTOMATIC
        identity = AlgorithmIdentificationSequence(
            name=f"anybone {made.method}"[:_LONGEST_LABEL],
            family=codes.cid7162.ArtificialIntelligence,
            version=made.version,
            source="anybone",
        )
    description = SegmentDescription(
        segment_number=number,
        segment_label=name[:_LONGEST_LABEL],
        segmented_property_category=codes.cid7150.AnatomicalStructure,
        segmented_property_type=Code(value, "SCT", meaning[:_LONGEST_LABEL]),
        algorithm_type=kind,
        algorithm_identification=identity,
        tracking_uid=generate_uid(prefix=None),
        tracking_id=name[:_LONGEST_LABEL],
        display_color=CIELabColor.from_rgb(*segmentation.color(label)),
    )
    description.SegmentDescription = f"{name}, {kind.value.lower()} segmentation"[:_LONGEST_LABEL]
    if bone is not None and bone.side is not None:
        kind_of = description.SegmentedPropertyTypeCodeSequence[0]
        kind_of.SegmentedPropertyTypeModifierCodeSequence = [_code(*_SIDES[bone.side])]
    return description


def _code(value: str, meaning: str) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(value=value, scheme_designator="SCT", meaning=meaning)


def _content_description(made: Provenance | None) -> str:
    return "Bones" if made is None else f"Bones found by anybone {made.version} ({made.method})"[:_LONGEST_LABEL]


def _refer(document: Dataset, slices: Sequence[SourceSlice]) -> None:
    """Replace references to the proxy images by references to the source images."""
    by_uid = {one.proxy_uid: one for one in slices}
    for frame in document.PerFrameFunctionalGroupsSequence:
        for image in _source_images(frame):
            one = by_uid.get(str(image.ReferencedSOPInstanceUID))
            if one is None:
                continue  # an item that frames of several segments share, and that is done already
            image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = one.class_uid, one.instance_uid
            if one.frame is not None:
                image.ReferencedFrameNumber = one.frame + 1
    for series in document.ReferencedSeriesSequence:
        instances = {}
        for item in series.ReferencedInstanceSequence:
            one = by_uid[str(item.ReferencedSOPInstanceUID)]
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.class_uid, one.instance_uid
            instances[one.instance_uid] = item
        series.ReferencedInstanceSequence = list(instances.values())


def _source_images(frame: Dataset) -> Iterator[Dataset]:
    for derivation in frame.get("DerivationImageSequence") or []:
        yield from derivation.SourceImageSequence


def _add_private(document: Dataset, segmentation: Segmentation, labels: Sequence[int]) -> None:
    block = document.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(SHAPE, "UL", list(segmentation.geometry.shape_ijk))
    block.add_new(AFFINE, "FD", segmentation.geometry.affine_ras_mm.ravel().tolist())
    block.add_new(LABELS, "US", list(labels))

"""DICOM SEG: written on the source's images, read back by pydicom, by highdicom, and by ourselves."""

from __future__ import annotations

from dataclasses import replace

import highdicom
import numpy as np
import pydicom
import pytest

from anybone.core.errors import AnyboneError, MissingExtraError, ReadError, WriteError
from anybone.core.geometry import Geometry
from anybone.core.labels import BONES
from anybone.core.segmentation import Provenance, Segmentation
from anybone.core.volume import Volume
from anybone.export import EXPORTERS, write_dicom_seg
from anybone.io import read, read_segmentation

SHAPE = (9, 7, 5)
NAMES = {2: "left femur", 5: "my own", 9: "L4 vertebra", 11: "sacrum"}
MADE = Provenance("1.2.3", "anybone-0.3", weights_sha256="ab" * 32)


@pytest.fixture
def array() -> np.ndarray:
    return np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)


def bones_on(volume: Volume) -> Segmentation:
    labels = np.zeros(volume.geometry.shape_ijk, np.uint16)
    labels[1:4, 2:6, 1:4] = 2
    labels[5:8, 0:3, 2] = 5
    labels[6, 5, 0] = 9
    return Segmentation(
        labels, volume.geometry, NAMES, provenance=MADE, colors={5: (10, 200, 30)}, source=volume.source
    )


def write_source(kind, folder, array, affine, dicom_files):
    if kind == "classic":
        dicom_files.write_classic(folder, array, affine)
    elif kind == "against":
        affine[:3, 2] *= -1
        dicom_files.write_classic(folder, array, affine)
    elif kind == "enhanced":
        dicom_files.write_enhanced(folder / "one.dcm", array, affine)
    else:
        dicom_files.write_enhanced(folder / "one.dcm", array, affine, echoes=(10.0, 20.0))
    return read(folder, series="1#te20" if kind == "second echo" else None)


def described(path):
    """For each frame: segment number, position, source instance and frame."""
    document = pydicom.dcmread(path)
    shared, found = document.SharedFunctionalGroupsSequence[0], []
    for frame in document.PerFrameFunctionalGroupsSequence:
        image = frame.DerivationImageSequence[0].SourceImageSequence[0]
        segment = frame.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
        found.append(
            (
                int(segment[0].ReferencedSegmentNumber),
                [float(x) for x in frame.PlanePositionSequence[0].ImagePositionPatient],
                str(image.ReferencedSOPInstanceUID),
                str(image.ReferencedSOPClassUID),
                image.get("ReferencedFrameNumber"),
            )
        )
    return document, found


@pytest.mark.parametrize("kind", ["classic", "against", "enhanced", "second echo"])
def test_frames_lie_where_the_images_lie_and_refer_to_them(kind, tmp_path, array, oblique, dicom_files):
    volume = write_source(kind, tmp_path / "source", array, oblique, dicom_files)
    bones = bones_on(volume)
    write_dicom_seg(bones, tmp_path / "x.dcm")
    document, frames = described(tmp_path / "x.dcm")
    wanted = [(1, 1), (1, 2), (1, 3), (2, 2), (3, 0)]  # segment, slice
    assert len(frames) == len(wanted)
    pixels = document.pixel_array
    for segment, k in wanted:
        header, frame = volume.source.headers[k], volume.source.frames[k]
        place = header if frame is None else header.PerFrameFunctionalGroupsSequence[frame].PlanePositionSequence[0]
        position = [float(x) for x in place.ImagePositionPatient]
        number = None if frame is None else frame + 1
        entry = (segment, position, header.SOPInstanceUID, header.SOPClassUID, number)
        n = frames.index(entry)
        assert np.array_equal(pixels[n].T > 0, bones.labels[:, :, k] == (2, 5, 9)[segment - 1])
    shared = document.SharedFunctionalGroupsSequence[0]
    cosines, spacing = dicom_files.planes(oblique)
    assert [float(x) for x in shared.PlaneOrientationSequence[0].ImageOrientationPatient] == pytest.approx(cosines)
    assert [float(x) for x in shared.PixelMeasuresSequence[0].PixelSpacing] == pytest.approx(spacing)
    assert float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices) == pytest.approx(4.0)
    known = {str(i.ReferencedSOPInstanceUID) for i in document.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert known == {str(h.SOPInstanceUID) for h in volume.source.headers}
    assert document.ReferencedSeriesSequence[0].SeriesInstanceUID == volume.source.headers[0].SeriesInstanceUID


def test_a_volume_knows_which_frame_each_slice_is(tmp_path, array, oblique, dicom_files):
    found = {
        kind: write_source(kind, tmp_path / kind, array, oblique.copy(), dicom_files).source.frames
        for kind in ("classic", "enhanced", "second echo")
    }
    assert found == {"classic": (None,) * 5, "enhanced": (0, 1, 2, 3, 4), "second echo": (5, 6, 7, 8, 9)}


@pytest.mark.parametrize("kind", ["classic", "against", "enhanced", "second echo"])
def test_labels_names_and_colors_come_back_on_the_same_grid(kind, tmp_path, array, oblique, dicom_files):
    volume = write_source(kind, tmp_path / "source", array, oblique, dicom_files)
    bones = bones_on(volume)
    write_dicom_seg(bones, tmp_path / "x.dcm")
    again = read_segmentation(tmp_path / "x.dcm")
    assert np.array_equal(again.labels, bones.labels)
    assert again.geometry == bones.geometry
    assert dict(again.names) == {n: NAMES[n] for n in (2, 5, 9)}
    assert set(again.colors) == {5}
    np.testing.assert_allclose(again.color(5), (10, 200, 30), atol=2)


def test_highdicom_reads_the_same(tmp_path, array, oblique, dicom_files):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    bones = bones_on(volume)
    write_dicom_seg(bones, tmp_path / "x.dcm")
    document = highdicom.seg.segread(tmp_path / "x.dcm")
    uids = [h.SOPInstanceUID for h in volume.source.headers]
    planes = document.get_pixels_by_source_instance(
        uids, ignore_spatial_locations=False, assert_missing_frames_are_empty=True
    )
    for n, label in enumerate((2, 5, 9)):
        assert np.array_equal(planes[..., n].transpose(2, 1, 0), bones.labels == label)
    assert document.get_segment_numbers(segment_label="left femur") == [1]


def test_what_segments_say(tmp_path, array, oblique, dicom_files):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    write_dicom_seg(bones_on(volume), tmp_path / "x.dcm")
    document = pydicom.dcmread(tmp_path / "x.dcm")
    femur, own, vertebra = document.SegmentSequence
    kind = femur.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning) == ("71341001", "SCT", "Femur")
    side = kind.SegmentedPropertyTypeModifierCodeSequence[0]
    assert (side.CodeValue, side.CodeMeaning) == ("7771000", "Left")
    assert femur.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Anatomical Structure"
    assert own.SegmentedPropertyTypeCodeSequence[0].CodeValue == "272673000"
    assert own.SegmentLabel == "my own"
    assert "SegmentedPropertyTypeModifierCodeSequence" not in vertebra.SegmentedPropertyTypeCodeSequence[0]
    color = highdicom.color.CIELabColor.from_dicom_value(femur.RecommendedDisplayCIELabValue)
    np.testing.assert_allclose(color.to_rgb(), BONES["femur_left"].color_rgb, atol=2)
    algorithm = femur.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("anybone anybone-0.3", "1.2.3")
    assert femur.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert (document.Modality, document.SoftwareVersions, document.Manufacturer) == ("SEG", "1.2.3", "anybone")
    assert "research" in document.SeriesDescription
    assert document.SeriesInstanceUID != volume.source.headers[0].SeriesInstanceUID


def test_who_found_it(tmp_path, array, oblique, dicom_files):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    bones = bones_on(volume)
    kinds = {}
    for name, one in {
        "AUTOMATIC": replace(bones, probability=np.zeros(SHAPE, np.float16)),
        "MANUAL": replace(bones, provenance=None),
    }.items():
        write_dicom_seg(one, tmp_path / "x.dcm")
        kinds[name] = pydicom.dcmread(tmp_path / "x.dcm").SegmentSequence[0].SegmentAlgorithmType
    assert kinds == {"AUTOMATIC": "AUTOMATIC", "MANUAL": "MANUAL"}


def test_patient_and_study_are_the_sources(tmp_path, array, oblique, dicom_files):
    extra = {"PatientName": "Ä^B", "PatientID": "7", "StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4"}
    study = dicom_files.Study(extra={**extra, "SpecificCharacterSet": "ISO_IR 100"})
    dicom_files.write_classic(tmp_path / "source", array, oblique, study)
    volume = read(tmp_path / "source")
    odd = pydicom.DataElement("PatientBirthDate", "DA", "unknown", validation_mode=pydicom.config.IGNORE)
    volume.source.headers[0].add(odd)
    write_dicom_seg(bones_on(volume), tmp_path / "x.dcm")
    document = pydicom.dcmread(tmp_path / "x.dcm")
    assert (document.PatientName, document.PatientID, document.StudyInstanceUID) == ("Ä^B", "7", "1.2.3")
    assert document.FrameOfReferenceUID == "1.2.4"


def test_no_bone_at_all_is_a_file_that_says_what_was_looked_for(tmp_path, array, oblique, dicom_files, caplog):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    write_dicom_seg(replace(bones_on(volume), labels=np.zeros(SHAPE, np.uint16)), tmp_path / "x.dcm")
    again = read_segmentation(tmp_path / "x.dcm")
    assert not again.mask.any()
    assert dict(again.names) == NAMES
    assert not caplog.records, "nothing is muttered on the way"


def test_without_dicom_images_it_is_refused(tmp_path):
    bones = Segmentation(np.ones((2, 2, 2), np.uint16), Geometry((2, 2, 2), np.eye(4)))
    with pytest.raises(WriteError, match=r"source of these is not known.*\.nii\.gz"):
        write_dicom_seg(bones, tmp_path / "x.dcm")
    volume = Volume(np.zeros((2, 2, 2)), bones.geometry)
    with pytest.raises(WriteError, match="source of these is memory"):
        EXPORTERS["dicom_seg"](volume, bones, tmp_path / "x.dcm")
    assert list(tmp_path.iterdir()) == []


def test_bones_of_another_grid_are_refused(tmp_path, array, oblique, dicom_files):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    small = Segmentation(np.ones((2, 2, 2), np.uint16), Geometry((2, 2, 2), np.eye(4)))
    with pytest.raises(WriteError, match="volume's grid"):
        EXPORTERS["dicom_seg"](volume, small, tmp_path / "x.dcm")
    with pytest.raises(WriteError, match="this very series"):
        write_dicom_seg(replace(small, source=volume.source), tmp_path / "x.dcm")


def test_images_without_a_name_cannot_be_referred_to(tmp_path, array, oblique, dicom_files):
    dicom_files.write_classic(tmp_path / "source", array, oblique)
    volume = read(tmp_path / "source")
    for header in volume.source.headers:
        del header.SOPInstanceUID
    with pytest.raises(WriteError, match="SOPInstanceUID"):
        write_dicom_seg(bones_on(volume), tmp_path / "x.dcm")


def test_without_highdicom_the_message_has_the_command(tmp_path, array, oblique, dicom_files, monkeypatch):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    monkeypatch.setitem(__import__("sys").modules, "highdicom.seg", None)
    with pytest.raises(MissingExtraError, match=r"anybone\[dicom-seg\]"):
        write_dicom_seg(bones_on(volume), tmp_path / "x.dcm")


@pytest.mark.shared
@pytest.mark.parametrize(("file", "series"), [("thigh_t1_and_t2fs.zip", "1"), ("knee_multi_echo_big_endian.zip", "1")])
def test_on_scanners_own_images(file, series, tmp_path, shared):
    from anybone.io import describe

    path = shared / "data" / "dicom" / file
    chosen = [d for d in describe(path) if d.geometry is not None][int(series)]
    volume = read(path, series=chosen.series_uid)
    rng = np.random.default_rng(0)
    labels = (rng.random(volume.data.shape) < 0.01).astype(np.uint16) * 3
    bones = Segmentation(labels, volume.geometry, {3: "right femur"}, source=volume.source)
    write_dicom_seg(bones, tmp_path / "x.dcm")
    again = read_segmentation(tmp_path / "x.dcm")
    assert np.array_equal(again.labels, labels)
    _, frames = described(tmp_path / "x.dcm")
    positions = {tuple(float(x) for x in h.ImagePositionPatient) for h in volume.source.headers}
    assert {tuple(position) for _, position, *_ in frames} <= positions


# --- reading ---


def strip(path):
    document = pydicom.dcmread(path)
    document.remove_private_tags()
    document.save_as(path)


def test_another_programs_file_lies_on_its_own_frames(tmp_path, array, oblique, dicom_files):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    bones = bones_on(volume)
    write_dicom_seg(bones, tmp_path / "x.dcm")
    strip(tmp_path / "x.dcm")
    again = read_segmentation(tmp_path / "x.dcm")
    assert again.geometry.shape_ijk == (9, 7, 4)
    assert again.geometry.matches(Geometry((9, 7, 4), volume.geometry.affine_ras_mm))
    assert np.array_equal(again.labels == 1, bones.labels[..., :4] == 2)
    assert dict(again.names) == {1: "left femur", 2: "my own", 3: "L4 vertebra"}


@pytest.mark.parametrize("kind", ["LABELMAP", "FRACTIONAL"])
def test_other_kinds_of_segmentation(kind, tmp_path, array, oblique, dicom_files):
    extra = {"StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4", "PatientID": "", "PatientName": ""}
    extra |= {"PatientBirthDate": "", "PatientSex": "", "AccessionNumber": "", "StudyID": "", "StudyDate": ""}
    dicom_files.write_classic(tmp_path / "source", array, oblique, dicom_files.Study(extra={**extra, "StudyTime": ""}))
    volume = read(tmp_path / "source")
    labels = (bones_on(volume).labels == 2).astype(np.uint8)
    from pydicom.sr.codedict import codes

    document = highdicom.seg.Segmentation(
        list(volume.source.headers),
        labels.transpose(2, 1, 0) if kind == "LABELMAP" else labels.transpose(2, 1, 0).astype(np.float32) * 0.7,
        kind,
        [highdicom.seg.SegmentDescription(1, "theirs", codes.cid7150.AnatomicalStructure, codes.SCT.Bone, "MANUAL")],
        *(pydicom.uid.generate_uid(), 1, pydicom.uid.generate_uid(), 1, "m", "m", "1", "1"),
    )
    document.save_as(tmp_path / "x.dcm")
    again = read_segmentation(tmp_path / "x.dcm")
    assert again.labels.sum() == labels.sum()
    assert again.names[1] == "theirs"


def test_frames_off_the_grid_are_refused(tmp_path, array, oblique, dicom_files):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    write_dicom_seg(bones_on(volume), tmp_path / "x.dcm")
    document = pydicom.dcmread(tmp_path / "x.dcm")
    document.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient[0] += 3
    document.save_as(tmp_path / "x.dcm")
    with pytest.raises(Exception, match=r"x\.dcm.*off the grid"):
        read_segmentation(tmp_path / "x.dcm")


def test_a_damaged_file_is_refused(tmp_path, array, oblique, dicom_files):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    write_dicom_seg(bones_on(volume), tmp_path / "x.dcm")
    document = pydicom.dcmread(tmp_path / "x.dcm")
    del document.PerFrameFunctionalGroupsSequence
    document.save_as(tmp_path / "x.dcm")
    with pytest.raises(ReadError, match=r"x\.dcm"):
        read_segmentation(tmp_path / "x.dcm")


def test_no_damage_ends_in_anything_but_a_refusal(tmp_path, array, oblique, dicom_files):
    volume = write_source("classic", tmp_path / "source", array, oblique, dicom_files)
    write_dicom_seg(bones_on(volume), tmp_path / "x.dcm")
    whole, rng = (tmp_path / "x.dcm").read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        data = bytearray(whole[: rng.integers(200, len(whole))] if rng.random() < 0.3 else whole)
        for at in rng.integers(132, len(data), 8):
            data[at] = rng.integers(256)
        (tmp_path / "y.dcm").write_bytes(data)
        try:
            read_segmentation(tmp_path / "y.dcm")
        except AnyboneError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞"),
        ("ISO_IR 6", "Doe^Jane"),
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "Łukasz^Żak"),
    ],
)
def test_names_in_any_character_set_are_written_in_utf_8(tmp_path, array, oblique, dicom_files, charset, name):
    study = dicom_files.Study(extra={"SpecificCharacterSet": charset, "PatientName": name})
    dicom_files.write_classic(tmp_path / "study", array, oblique, study)
    write_dicom_seg(bones_on(read(tmp_path / "study")), tmp_path / "bones.dcm")
    written = pydicom.dcmread(tmp_path / "bones.dcm")
    assert written.SpecificCharacterSet == "ISO_IR 192"
    assert str(written.PatientName) == name


def test_identity_and_tracking_travel(tmp_path, array, oblique, dicom_files):
    extra = {
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "profile 1",
        "BodyPartExamined": "KNEE",
        "PatientAge": "042Y",
    }
    dicom_files.write_classic(tmp_path / "study", array, oblique, dicom_files.Study(extra=extra))
    write_dicom_seg(bones_on(read(tmp_path / "study")), tmp_path / "bones.dcm")
    written = pydicom.dcmread(tmp_path / "bones.dcm")
    assert {keyword: str(written.get(keyword)) for keyword in extra} == extra
    segments = written.SegmentSequence
    assert len({segment.TrackingUID for segment in segments}) == len(segments)
    assert segments[0].TrackingID == "left femur"
    assert segments[0].SegmentDescription == "left femur, semiautomatic segmentation"


def test_the_hip_bone_is_a_hip_and_not_the_whole_pelvis():
    assert BONES["hip_left"].snomed_ct == ("29836001", "Hip")

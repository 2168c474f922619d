"""What a series of DICOM becomes: voxels, grid, intensities."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from anybone.core.errors import GeometryError, MissingExtraError, ReadError
from anybone.core.geometry import Geometry
from anybone.io import describe, read


def test_columns_rows_and_slices_are_i_j_k(tmp_path, array, affine, dicom_files):
    study = dicom_files.write_classic(tmp_path, array, affine)
    volume = read(tmp_path)
    assert np.array_equal(volume.data, array)
    assert volume.geometry.matches(Geometry(array.shape, affine))
    assert volume.source.series == study.uid
    assert volume.source.format == "dicom"
    assert volume.source.description == "sag PD, HFS"
    assert [h.InstanceNumber for h in volume.source.headers] == [1, 2, 3, 4]
    assert not any("PixelData" in h for h in volume.source.headers)


def test_a_stack_against_the_normal_is_turned_around_with_its_slices(tmp_path, array, affine, dicom_files):
    affine[:3, 2] *= -1
    dicom_files.write_classic(tmp_path, array, affine)
    volume = read(tmp_path)
    assert np.array_equal(volume.data, array[:, :, ::-1])
    np.testing.assert_allclose(
        volume.geometry.to_world((2, 3, 0)), affine[:3, :3] @ (2, 3, 3) + affine[:3, 3], atol=1e-6
    )


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, ImplicitVRLittleEndian])
def test_byte_orders(tmp_path, array, affine, dicom_files, syntax):
    dicom_files.write_classic(tmp_path, array - 60, affine, dicom_files.Study(syntax=syntax))
    assert np.array_equal(read(tmp_path).data, array - 60)


def test_files_without_preamble_and_meta_header(tmp_path, array, affine, dicom_files):
    study = dicom_files.Study(syntax=ImplicitVRLittleEndian)
    dicom_files.write_classic(tmp_path, array, affine, study)
    for path in tmp_path.iterdir():
        raw = path.read_bytes()
        meta_length = int.from_bytes(raw[140:144], "little")
        path.write_bytes(raw[144 + meta_length :])
    assert np.array_equal(read(tmp_path).data, array)


def test_an_enhanced_file(tmp_path, array, affine, dicom_files):
    dicom_files.write_enhanced(tmp_path / "one.dcm", array, affine)
    volume = read(tmp_path / "one.dcm")
    assert np.array_equal(volume.data, array)
    assert volume.geometry.matches(Geometry(array.shape, affine))
    assert len(volume.source.headers) == 4


def test_an_enhanced_file_of_two_echoes_with_their_own_scale(tmp_path, array, affine, dicom_files):
    dicom_files.write_enhanced(tmp_path / "one.dcm", array, affine, echoes=(10.0, 35.5))
    assert [d.name for d in describe(tmp_path)] == ["1#te10", "1#te35.5"]
    assert np.array_equal(read(tmp_path, series="1#te10").data, array)
    assert np.array_equal(read(tmp_path, series="te35.5").data, 2 * array)


def test_each_slice_has_its_own_rescale(tmp_path, array, affine, dicom_files):
    for k in range(4):
        ds = dicom_files.classic_slice(
            dicom_files.Study(uid="1.2.3"), array, affine, k, RescaleSlope=k + 1, RescaleIntercept=-k
        )
        dicom_files.save(ds, tmp_path / f"{k}.dcm", array[:, :, k].T)
    assert np.array_equal(read(tmp_path).data, array * np.arange(1, 5) - np.arange(4))


def test_padding_becomes_the_smallest_other_value(tmp_path, array, affine, dicom_files):
    array = array + 100
    array[0, :, :] = -2000
    # 63536 is -2000 as unsigned: the wrong sign that some writers use.
    for name, value in (("a", -2000), ("b", 63536)):
        kind = "SS" if value < 0 else "US"
        for k in range(4):
            ds = dicom_files.classic_slice(dicom_files.Study(uid=f"1.2.{value % 7}"), array, affine, k)
            ds.add_new("PixelPaddingValue", kind, value)
            dicom_files.save(ds, tmp_path / name / f"{k}.dcm", array[:, :, k].T)
        volume = read(tmp_path / name)
        assert (volume.data[0] == array[1:].min()).all()
        assert np.array_equal(volume.data[1:], array[1:])
        assert any("20 voxels are padding" in note for note in volume.source.notes)


def test_monochrome1_is_turned_around(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine, PhotometricInterpretation="MONOCHROME1")
    volume = read(tmp_path)
    assert np.array_equal(volume.data, 119 - array)
    assert any("MONOCHROME1" in note for note in volume.source.notes)


def test_gantry_tilt_is_a_sheared_grid(tmp_path, array, affine, dicom_files):
    affine[:3, 2] += 2.0 * affine[:3, 1] / 0.9
    dicom_files.write_classic(tmp_path, array, affine)
    volume = read(tmp_path)
    assert volume.geometry.matches(Geometry(array.shape, affine))
    assert any("tilted by 26.57 degrees" in note for note in volume.source.notes)


def test_compressed_pixels(tmp_path, array, affine, dicom_files):
    from pydicom.pixels import get_decoder

    syntaxes = [RLELossless]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if get_decoder("1.2.840.10008.1.2.4.90").is_available and pytest.importorskip("openjpeg"):
            syntaxes.append("1.2.840.10008.1.2.4.90")
    big = np.kron(array, np.ones((8, 8, 1), dtype=np.int16))
    for n, syntax in enumerate(syntaxes):
        study = dicom_files.Study()
        for k in range(4):
            ds = dicom_files.classic_slice(study, big, affine, k)
            ds.PixelData = big[:, :, k].T.tobytes()
            ds["PixelData"].VR = "OW"
            ds.compress(syntax, generate_instance_uid=False)
            ds.save_as(tmp_path / f"{k}.dcm", enforce_file_format=True)
        assert np.array_equal(read(tmp_path).data, big), (n, syntax)


def test_a_missing_decoder_names_the_extra(tmp_path, array, affine, dicom_files, monkeypatch):
    from pydicom.pixels.decoders.base import Decoder

    dicom_files.write_classic(tmp_path, array, affine)
    monkeypatch.setattr(Decoder, "is_available", property(lambda self: False))
    with pytest.raises(MissingExtraError, match=r"anybone\[codecs\]"):
        read(tmp_path)


def test_compressed_pixels_of_another_size_never_reach_the_decoder(tmp_path, array, affine, dicom_files):
    from pydicom.encaps import encapsulate

    size = (b"\0\x2f\0\0" + (60000).to_bytes(4, "big") * 2 + bytes(8)).ljust(60, b"\0")
    ds = dicom_files.classic_slice(dicom_files.Study(syntax="1.2.840.10008.1.2.4.90"), array, affine, 0)
    ds.PixelData = encapsulate([b"\xff\x4f\xff\x51" + size])
    ds["PixelData"].VR = "OB"
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises((ReadError, MissingExtraError), match=r"60000|codecs"):
        read(tmp_path / "a.dcm")


def test_one_file_of_a_series_is_one_slice(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine)
    volume = read(tmp_path / "im004.dcm")
    assert np.array_equal(volume.data, array[:, :, :1])
    assert volume.geometry.spacing_mm == pytest.approx((0.7, 0.9, 4.0))
    assert any("single slice" in note for note in volume.source.notes)


def test_other_modalities_are_read_with_a_note(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine, dicom_files.Study(modality="CT"))
    assert "The modality is CT" in read(tmp_path).source.notes[0]


def test_cut_off_pixels_are_refused_by_name(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine)
    path = tmp_path / "im002.dcm"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ReadError, match=r"im002\.dcm.*cut off"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"Rows": 65535, "Columns": 65535}, ReadError, "max_voxels"),
        ({"Rows": 20000, "Columns": 20000}, ReadError, "cut off"),
        ({"Rows": 0}, ReadError, "0 rows"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, ReadError, "Color"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "MOSAIC"]}, GeometryError, "Siemens mosaic"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, GeometryError, "right angles"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, GeometryError, "right angles"),
        ({"PixelSpacing": [0, 0]}, GeometryError, "must be positive"),
        ({"PixelSpacing": [-0.9, 0.7]}, GeometryError, r"must be positive, but is -0\.9, 0\.7"),
        ({"PixelSpacing": None}, GeometryError, "pixel spacing"),
        ({"ImagePositionPatient": None}, GeometryError, "position"),
        ({"NumberOfFrames": 100000}, GeometryError, "position"),
    ],
)
def test_absurd_headers_are_refused_by_name(tmp_path, array, affine, dicom_files, change, error, match):
    ds = dicom_files.classic_slice(dicom_files.Study(), array, affine, 0, **change)
    dicom_files.save(ds, tmp_path / "odd.dcm", array[:, :, 0].T)
    with pytest.raises(error, match=match) as caught:
        read(tmp_path / "odd.dcm")
    assert "odd.dcm" in str(caught.value)


def test_an_enhanced_file_that_promises_too_many_frames(tmp_path, array, affine, dicom_files):
    ds = dicom_files.enhanced(array, affine, dicom_files.Study())
    ds.NumberOfFrames = 100_000
    dicom_files.save(ds, tmp_path / "a.dcm", array.transpose(2, 1, 0))
    with pytest.raises(ReadError, match="promises 100000 frames"):
        read(tmp_path / "a.dcm")


def test_deflated_files_are_refused(tmp_path, array, affine, dicom_files):
    ds = dicom_files.classic_slice(dicom_files.Study(syntax="1.2.840.10008.1.2.1.99"), array, affine, 0)
    dicom_files.save(ds, tmp_path / "a.dcm", array[:, :, 0].T)
    with pytest.raises(ReadError, match="deflated"):
        read(tmp_path / "a.dcm")

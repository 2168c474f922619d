from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from anybone.core.errors import GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.io import describe, read, write


def _save(path: Path, array: np.ndarray, affine: np.ndarray | None, **header: object) -> Path:
    image = nib.Nifti1Image(array, affine)
    for key, value in header.items():
        image.header[key] = value
    nib.save(image, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "f4", "f8", ">i2"])
def test_voxels_and_affine_are_those_of_the_file(tmp_path, array, affine, name, kind):
    path = _save(tmp_path / name, array.astype(kind), affine)
    volume = read(path)
    assert volume.data.dtype == np.float32
    assert np.array_equal(volume.data, array)
    np.testing.assert_allclose(volume.geometry.affine_ras_mm, nib.load(path).affine, atol=1e-6)
    assert volume.source.format == "nifti"
    assert volume.source.notes == ()


def test_big_endian_and_nifti2_files(tmp_path, array, affine):
    header = nib.Nifti1Header(endianness=">")
    nib.save(nib.Nifti1Image(array, affine, header), tmp_path / "big.nii")
    nib.save(nib.Nifti2Image(array, affine), tmp_path / "two.nii.gz")
    for name in ("big.nii", "two.nii.gz"):
        assert np.array_equal(read(tmp_path / name).data, array)
        np.testing.assert_allclose(read(tmp_path / name).geometry.affine_ras_mm, affine, atol=1e-5)


def test_scaling_is_applied(tmp_path, array, affine):
    # nibabel clears the slope on saving, so it is set in the bytes: offset 112 of the header.
    path = _save(tmp_path / "a.nii", array, affine)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([0.5, -3.0], dtype="<f4").tobytes()
    path.write_bytes(raw)
    assert np.array_equal(read(path).data, array * 0.5 - 3.0)


def test_sform_comes_before_qform_and_qform_before_spacing(tmp_path, array, affine):
    image = nib.Nifti1Image(array, None)
    other = np.diag([2.0, 3.0, 4.0, 1.0])
    image.set_qform(other, code=1)
    image.set_sform(affine, code=2)
    nib.save(image, tmp_path / "both.nii")
    np.testing.assert_allclose(read(tmp_path / "both.nii").geometry.affine_ras_mm, affine, atol=1e-5)
    image.set_sform(affine, code=0)
    nib.save(image, tmp_path / "q.nii")
    np.testing.assert_allclose(read(tmp_path / "q.nii").geometry.affine_ras_mm, other, atol=1e-5)


def test_without_orientation_only_the_spacing_is_used_and_said(tmp_path, array):
    image = nib.Nifti1Image(array, None)
    image.header["pixdim"][1:4] = (0.5, 0.5, 3.0)
    image.header["sform_code"] = image.header["qform_code"] = 0
    nib.save(image, tmp_path / "a.nii")
    volume = read(tmp_path / "a.nii")
    np.testing.assert_allclose(volume.geometry.affine_ras_mm, np.diag([0.5, 0.5, 3.0, 1.0]))
    assert "states no orientation" in volume.source.notes[0]


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 0.001), ("mm", 1)])
def test_lengths_become_millimeters(tmp_path, array, affine, unit, factor):
    image = nib.Nifti1Image(array, affine)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "a.nii")
    expected = np.array(affine)
    expected[:3] *= factor
    np.testing.assert_allclose(read(tmp_path / "a.nii").geometry.affine_ras_mm, expected, rtol=1e-5)


def test_several_volumes_need_a_choice(tmp_path, affine):
    data = np.arange(6 * 5 * 4 * 3, dtype=np.int16).reshape(6, 5, 4, 3)
    path = _save(tmp_path / "a.nii.gz", data, affine)
    with pytest.raises(ReadError, match=r"3 volumes.*--frame"):
        read(path)
    assert np.array_equal(read(path, frame=2).data, data[..., 2])
    with pytest.raises(ReadError, match="Volume 3 was asked"):
        read(path, frame=3)
    assert describe(path)[0].volumes == 3


def test_a_fourth_axis_of_one_is_dropped(tmp_path, array, affine):
    path = _save(tmp_path / "a.nii", array[..., None], affine)
    assert np.array_equal(read(path).data, array)


def test_one_slice_is_read_with_a_note(tmp_path, array, affine):
    for name, data in (("a.nii", array[:, :, 0]), ("b.nii", array[:, :, :1])):
        volume = read(_save(tmp_path / name, data, affine))
        assert volume.data.shape == (6, 5, 1)
        assert any("single slice" in note for note in volume.source.notes)


def test_color_complex_and_vectors_are_refused(tmp_path, affine):
    rgb = np.zeros((3, 3, 3), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(ReadError, match="color"):
        read(_save(tmp_path / "rgb.nii", rgb, affine))
    with pytest.raises(ReadError, match="complex"):
        read(_save(tmp_path / "complex.nii", np.ones((3, 3, 3), dtype=np.complex64), affine))
    with pytest.raises(ReadError, match="vectors"):
        read(_save(tmp_path / "vector.nii", np.ones((3, 3, 3, 1, 3), dtype=np.float32), affine, intent_code=1007))


def test_voxels_that_are_not_finite_are_replaced_and_counted(tmp_path, array, affine):
    data = array.astype(np.float32) + 5
    data[0, 0, 0], data[1, 1, 1], data[2, 2, 2] = np.nan, np.inf, -np.inf
    volume = read(_save(tmp_path / "a.nii", data, affine))
    assert volume.data[0, 0, 0] == volume.data[1, 1, 1] == volume.data[2, 2, 2] == 6.0
    assert any(note.startswith("3 voxels were NaN or infinite") for note in volume.source.notes)
    with pytest.raises(ReadError, match="finite"):
        read(_save(tmp_path / "b.nii", np.full((3, 3, 3), np.nan, dtype=np.float32), affine))


def test_constant_volume_is_read_with_a_note(tmp_path, affine):
    volume = read(_save(tmp_path / "a.nii", np.full((3, 4, 5), 7, dtype=np.int16), affine))
    assert (volume.data == 7).all()
    assert any("same value, 7" in note for note in volume.source.notes)


@pytest.mark.parametrize("damage", ["nan", "flat"])
def test_broken_affines_are_refused_by_name(tmp_path, array, affine, damage):
    path = _save(tmp_path / "a.nii", array, affine)
    raw = bytearray(path.read_bytes())
    raw[280:296] = np.full(4, np.nan if damage == "nan" else 0.0, dtype="<f4").tobytes()  # srow_x
    path.write_bytes(raw)
    with pytest.raises(GeometryError, match=r"a\.nii"):
        read(path)


def test_a_header_that_lies_about_size_costs_no_memory(tmp_path, array, affine):
    path = _save(tmp_path / "a.nii", array, affine)
    raw = bytearray(path.read_bytes())
    raw[40:48] = np.array([3, 6, 5, 32000], dtype="<i2").tobytes()
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="cut off"):
        read(path)
    packed = tmp_path / "a.nii.gz"
    packed.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(ReadError, match="cut off"):
        read(packed)
    raw[40:48] = np.array([3, 32000, 32000, 32000], dtype="<i2").tobytes()
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="max_voxels"):
        read(path)


def test_max_voxels_can_be_lowered_and_raised(tmp_path, array, affine):
    path = _save(tmp_path / "a.nii", array, affine)
    with pytest.raises(ReadError, match="120 voxels"):
        read(path, max_voxels=119)
    assert read(path, max_voxels=120).data.size == 120


def test_a_wrong_checksum_is_noticed(tmp_path, array, affine):
    path = _save(tmp_path / "a.nii.gz", array, affine)
    raw = bytearray(path.read_bytes())
    raw[-6] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="CRC"):
        read(path)


def test_description_comes_from_the_header(tmp_path, array, affine):
    path = _save(tmp_path / "a.nii.gz", array, affine, descrip=b"a knee")
    (found,) = describe(path)
    assert found.geometry.matches(Geometry((6, 5, 4), affine), 1e-4)
    assert (found.format, found.value_type, found.text, found.plane) == ("nifti", "int16", "a knee", "axial")


def test_sheared_grids_are_kept_in_the_sform(tmp_path, array, affine):
    sheared = np.array(affine)
    sheared[:3, 2] += 0.3 * sheared[:3, 1]
    write(Volume(array, Geometry(array.shape, sheared)), tmp_path / "a.nii")
    image = nib.load(tmp_path / "a.nii")
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)
    assert read(tmp_path / "a.nii").geometry.matches(Geometry(array.shape, sheared))
    write(Volume(array, Geometry(array.shape, affine)), tmp_path / "b.nii")
    image = nib.load(tmp_path / "b.nii")
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-5)


def test_header_pairs_are_refused(tmp_path, array, affine):
    nib.save(nib.Nifti1Pair(array, affine), tmp_path / "a.hdr")
    (tmp_path / "a.hdr").rename(tmp_path / "a.nii")
    with pytest.raises(ReadError, match=r"\.hdr/\.img pair"):
        read(tmp_path / "a.nii")


def _header_bytes(path: Path, offset: int, values: np.ndarray) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset : offset + values.nbytes] = values.tobytes()
    path.write_bytes(raw)


def _oblique() -> np.ndarray:
    """An oblique grid of 0.4 x 0.4 x 3.3 mm."""
    angles = np.deg2rad([17.0, -8.0, 29.0])
    cos, sin = np.cos(angles), np.sin(angles)
    x = np.array([[1, 0, 0], [0, cos[0], -sin[0]], [0, sin[0], cos[0]]])
    y = np.array([[cos[1], 0, sin[1]], [0, 1, 0], [-sin[1], 0, cos[1]]])
    z = np.array([[cos[2], -sin[2], 0], [sin[2], cos[2], 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = x @ y @ z @ np.diag([0.4, 0.4, 3.3])
    affine[:3, 3] = (-61.2, 14.7, 33.0)
    return affine


@pytest.mark.parametrize("codes", [(1, 1), (1, 2), (2, 4)])
def test_itk_opens_the_mask_of_an_image_with_a_rounded_sform(tmp_path, array, codes):
    sitk = pytest.importorskip("SimpleITK")
    image = nib.Nifti1Image(array.astype("i2"), None)
    image.set_qform(_oblique(), code=codes[0])
    image.set_sform(np.round(_oblique(), 3), code=codes[1])
    nib.save(image, tmp_path / "image.nii.gz")
    volume = read(tmp_path / "image.nii.gz")
    mask = Segmentation((volume.data > 0).astype(np.uint16), volume.geometry, source=volume.source)
    write(mask, tmp_path / "mask.nii.gz")
    written = nib.load(tmp_path / "mask.nii.gz").header
    assert (int(written["qform_code"]), int(written["sform_code"])) == codes
    opened, original = (sitk.ReadImage(str(tmp_path / name)) for name in ("mask.nii.gz", "image.nii.gz"))
    np.testing.assert_allclose(opened.GetDirection(), original.GetDirection(), atol=1e-6)
    np.testing.assert_allclose(opened.GetOrigin(), original.GetOrigin(), atol=1e-4)


def test_itk_opens_a_mask_whose_affine_was_rounded(tmp_path, array):
    sitk = pytest.importorskip("SimpleITK")
    affine = _oblique()
    affine[:3, 2] = np.round(affine[:3, 2], 1)  # as from slice positions rounded to 0.1 mm
    write(Segmentation(np.ones(array.shape, np.uint16), Geometry(array.shape, affine)), tmp_path / "mask.nii.gz")
    np.testing.assert_allclose(read(tmp_path / "mask.nii.gz").geometry.affine_ras_mm, affine, atol=1e-5)
    direction = np.reshape(sitk.ReadImage(str(tmp_path / "mask.nii.gz")).GetDirection(), (3, 3))
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-5)


def test_a_file_without_orientation_keeps_its_codes_and_has_no_directions(tmp_path, array):
    sitk = pytest.importorskip("SimpleITK")
    image = nib.Nifti1Image(array.astype("i2"), None)
    image.header.set_zooms((0.5, 0.6, 3.0))
    nib.save(image, tmp_path / "image.nii")
    _header_bytes(tmp_path / "image.nii", 252, np.zeros(2, "<i2"))  # qform_code, sform_code
    volume = read(tmp_path / "image.nii")
    geometry = volume.geometry
    assert (geometry.orientation, geometry.plane(2), geometry.is_placed) == ("???", "", False)
    write(Segmentation(np.ones(array.shape, np.uint16), geometry, source=volume.source), tmp_path / "mask.nii")
    written = nib.load(tmp_path / "mask.nii").header
    assert (int(written["qform_code"]), int(written["sform_code"])) == (0, 0)
    opened, original = (sitk.ReadImage(str(tmp_path / name)) for name in ("mask.nii", "image.nii"))
    assert opened.GetDirection() == original.GetDirection()
    assert opened.GetOrigin() == original.GetOrigin()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_axis_of_length_one_is_the_slice_axis(axis):
    shape = [30, 40, 50]
    shape[axis] = 1
    assert Geometry(tuple(shape), np.diag([1.0, 1.0, 1.0, 1.0])).slice_axis == axis


def test_a_qfac_of_zero_is_read_as_one(tmp_path, array):
    image = nib.Nifti1Image(array, None)
    image.set_qform(_oblique(), code=1)
    nib.save(image, tmp_path / "a.nii")
    _header_bytes(tmp_path / "a.nii", 76, np.zeros(1, "<f4"))
    np.testing.assert_allclose(read(tmp_path / "a.nii").geometry.affine_ras_mm, _oblique(), atol=1e-5)


def test_a_block_of_the_lowest_integer_is_padding(tmp_path):
    data = np.random.default_rng(0).integers(0, 900, (20, 24, 4)).astype("i2")
    data[:5] = -32768
    nib.save(nib.Nifti1Image(data, np.diag([1.0, 1.0, 3.0, 1.0])), tmp_path / "a.nii.gz")
    volume = read(tmp_path / "a.nii.gz")
    assert volume.data.min() == data[5:].min()
    assert np.array_equal(volume.data[5:], data[5:])
    assert any("480 voxels are padding" in note for note in volume.source.notes)

from __future__ import annotations

import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

from anybone.core.errors import GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.io import describe, read, write

HEADER = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "0 1 0 0 0 1 1 0 0",
    "Offset": "10 20 30",
    "ElementSpacing": "2 3 4",
    "DimSize": "6 5 4",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}


def _save(path: Path, payload: bytes, **changes: str | None) -> Path:
    fields = {**HEADER, **changes}
    fields["ElementDataFile"] = fields.pop("ElementDataFile")  # the last line, always
    path.write_bytes("".join(f"{k} = {v}\n" for k, v in fields.items() if v is not None).encode() + payload)
    return path


def _bytes(array: np.ndarray, kind: str = "<i2") -> bytes:
    return array.astype(kind).tobytes(order="F")


def test_each_row_of_the_matrix_is_the_direction_of_one_axis(tmp_path, array):
    volume = read(_save(tmp_path / "a.mha", _bytes(array)))
    assert np.array_equal(volume.data, array)
    # i goes along LPS y, j along z, k along x; y and x change sign on the way to RAS.
    expected = [[0, 0, -4, -10], [-2, 0, 0, -20], [0, 3, 0, 30], [0, 0, 0, 1]]
    np.testing.assert_array_equal(volume.geometry.affine_ras_mm, expected)


def test_codings(tmp_path, array):
    raw = _bytes(array)
    cases = {
        "zlib": ({"CompressedData": "True"}, zlib.compress(raw)),
        "big": ({"BinaryDataByteOrderMSB": "True"}, _bytes(array, ">i2")),
        "old": ({"BinaryDataByteOrderMSB": None, "ElementByteOrderMSB": "T"}, _bytes(array, ">i2")),
        "text": ({"BinaryData": "False"}, " ".join(map(str, array.ravel(order="F"))).encode()),
        "float": ({"ElementType": "MET_DOUBLE"}, _bytes(array, "<f8")),
        "skip": ({"HeaderSize": "3"}, b"abc" + raw),
        "end": ({"HeaderSize": "-1"}, b"abcd" + raw),
    }
    for name, (changes, payload) in cases.items():
        assert np.array_equal(read(_save(tmp_path / f"{name}.mha", payload, **changes)).data, array), name


def test_voxels_beside_the_header(tmp_path, array):
    (tmp_path / "a.zraw").write_bytes(zlib.compress(_bytes(array)))
    path = _save(tmp_path / "a.mhd", b"", ElementDataFile="a.zraw", CompressedData="True")
    assert np.array_equal(read(path).data, array)


@pytest.mark.parametrize("name", ["/etc/passwd", "../../etc/passwd", "../secret.raw", "LIST 2D", "a%d.raw 1 4 1", ""])
def test_voxel_files_elsewhere_are_refused(tmp_path, array, name):
    (tmp_path / "secret.raw").write_bytes(_bytes(array))
    (tmp_path / "here").mkdir()
    with pytest.raises(ReadError, match="voxel"):
        read(_save(tmp_path / "here" / "a.mhd", b"", ElementDataFile=name))


def test_two_and_four_axes(tmp_path, array):
    flat = {"NDims": "2", "DimSize": "6 5", "ElementSpacing": "2 3", "Offset": "1 2", "TransformMatrix": "1 0 0 1"}
    volume = read(_save(tmp_path / "a.mha", _bytes(array[:, :, 0]), **flat))
    assert np.array_equal(volume.data[:, :, 0], array[:, :, 0])
    assert volume.geometry.spacing_mm == (2, 3, 1)
    four = {
        "NDims": "4",
        "DimSize": "6 5 4 2",
        "ElementSpacing": "2 3 4 1",
        "Offset": "0 0 0 0",
        "TransformMatrix": " ".join(str(x) for x in np.eye(4, dtype=int).ravel()),
    }
    path = _save(tmp_path / "b.mha", _bytes(np.stack([array, array + 200], axis=-1)), **four)
    with pytest.raises(ReadError, match="2 volumes"):
        read(path)
    assert np.array_equal(read(path, frame=1).data, array + 200)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"DimSize": "6 5"}, ReadError),
        ({"DimSize": "6 5 -4"}, ReadError),
        ({"DimSize": "6 5 100000"}, ReadError),
        ({"DimSize": "40000 40000 100000"}, ReadError),
        ({"NDims": None}, ReadError),
        ({"ElementType": "MET_NONE"}, ReadError),
        ({"ElementNumberOfChannels": "3"}, ReadError),
        ({"ObjectType": "Tube"}, ReadError),
        ({"CompressedData": "True"}, ReadError),
        ({"HeaderSize": "99999999999"}, ReadError),
        ({"TransformMatrix": "nan 0 0 0 1 0 0 0 1"}, GeometryError),
        ({"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, GeometryError),
        ({"TransformMatrix": "1 0 0"}, GeometryError),
        ({"ElementSpacing": "2 0 4"}, GeometryError),
        ({"ElementSpacing": "2 -3 4"}, GeometryError),
    ],
)
def test_damaged_headers_are_refused_by_name(tmp_path, array, changes, error):
    with pytest.raises(error, match=r"a\.mha"):
        read(_save(tmp_path / "a.mha", _bytes(array), **changes))


def test_a_cut_off_compressed_file_gives_no_voxels(tmp_path, array):
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 3000, (16, 16, 16)).astype(np.int16)
    packed = zlib.compress(_bytes(noisy))
    with pytest.raises(ReadError):
        read(_save(tmp_path / "a.mha", packed[:-40], CompressedData="True", DimSize="16 16 16"))


def test_descriptions(tmp_path, array):
    (found,) = describe(_save(tmp_path / "a.mha", _bytes(array), Comment="a knee"))
    assert (found.format, found.value_type, found.text, found.plane) == ("metaimage", "int16", "a knee", "sagittal")


@pytest.mark.parametrize("shear", [0.0, 0.3])
def test_itk_sees_every_voxel_where_we_do(tmp_path, array, affine, shear):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its wrappers warn on import
        sitk = pytest.importorskip("SimpleITK")
    affine[:3, 2] += shear * affine[:3, 1]
    write(Volume(array, Geometry(array.shape, affine)), tmp_path / "a.mha")
    image = sitk.ReadImage(str(tmp_path / "a.mha"))
    assert np.array_equal(sitk.GetArrayFromImage(image).T, array)
    for ijk in ((0, 0, 0), (5, 4, 3), (2, 1, 3)):
        x, y, z = image.TransformIndexToPhysicalPoint(ijk)
        np.testing.assert_allclose((-x, -y, z), affine[:3, :3] @ ijk + affine[:3, 3], atol=1e-6)
    image = sitk.GetImageFromArray(array.T)
    image.SetDirection((0, -1, 0, 0.6, 0, -0.8, 0.8, 0, 0.6))
    image.SetSpacing((1, 2, 3))
    image.SetOrigin((7, 8, 9))
    for name in ("b.mha", "c.mhd"):
        sitk.WriteImage(image, str(tmp_path / name), True)
        volume = read(tmp_path / name)
        assert np.array_equal(volume.data, array)
        x, y, z = image.TransformIndexToPhysicalPoint((5, 3, 2))
        np.testing.assert_allclose(volume.geometry.to_world((5, 3, 2)), (-x, -y, z), atol=1e-9)

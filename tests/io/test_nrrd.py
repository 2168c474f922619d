from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest

from anybone.core.errors import GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.io import describe, read, read_segmentation, write

HEADER = {
    "type": "short",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "6 5 4",
    "space directions": "(2,0,0) (0,3,0) (0,0,4)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(10,20,30)",
}


def _save(path: Path, payload: bytes, **changes: str | None) -> Path:
    fields = {**HEADER, **{k.replace("_", " "): v for k, v in changes.items()}}
    lines = ["NRRD0005", "# comment", *(f"{k}: {v}" for k, v in fields.items() if v is not None), "", ""]
    path.write_bytes("\n".join(lines).encode() + payload)
    return path


def _bytes(array: np.ndarray, kind: str = "<i2") -> bytes:
    return array.astype(kind).tobytes(order="F")


def test_lps_becomes_ras(tmp_path, array):
    volume = read(_save(tmp_path / "a.nrrd", _bytes(array)))
    assert np.array_equal(volume.data, array)
    expected = [[-2, 0, 0, -10], [0, -3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1]]
    np.testing.assert_array_equal(volume.geometry.affine_ras_mm, expected)


@pytest.mark.parametrize(
    ("space", "x", "y"), [("right-anterior-superior", 2, 3), ("LAS", -2, 3), ("left-posterior-superior-time", -2, -3)]
)
def test_every_named_space(tmp_path, array, space, x, y):
    affine = read(_save(tmp_path / "a.nrrd", _bytes(array), space=space)).geometry.affine_ras_mm
    assert (affine[0, 0], affine[1, 1]) == (x, y)


def test_a_space_without_directions_in_the_body_is_taken_as_lps_and_said(tmp_path, array):
    path = _save(tmp_path / "a.nrrd", _bytes(array), space="scanner-xyz")
    assert "taken as LPS" in read(path).source.notes[0]
    path = _save(tmp_path / "b.nrrd", _bytes(array), space=None, space_directions=None, spacings="1 1 5")
    volume = read(path)
    assert volume.geometry.spacing_mm == (1, 1, 5)
    assert "only its voxel spacing" in volume.source.notes[0]


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("endian", ["little", "big"])
def test_encodings(tmp_path, array, encoding, endian):
    import bz2

    raw = _bytes(array, "<i2" if endian == "little" else ">i2")
    text = " ".join(str(x) for x in array.ravel(order="F")).encode()
    payload = {"raw": raw, "gzip": gzip.compress(raw), "bzip2": bz2.compress(raw), "ascii": text}[encoding]
    assert np.array_equal(read(_save(tmp_path / "a.nrrd", payload, encoding=encoding, endian=endian)).data, array)


@pytest.mark.parametrize(
    ("name", "kind"), [("unsigned char", "u1"), ("int8_t", "i1"), ("uint", "u4"), ("double", "f8")]
)
def test_types(tmp_path, array, name, kind):
    assert np.array_equal(read(_save(tmp_path / "a.nrrd", _bytes(array, kind), type=name)).data, array)


def test_skips(tmp_path, array):
    raw = _bytes(array)
    cases = {"byte_skip": ("7", b"1234567" + raw), "line_skip": ("2", b"a\nb\n" + raw)}
    for key, (value, payload) in cases.items():
        assert np.array_equal(read(_save(tmp_path / f"{key}.nrrd", payload, **{key: value})).data, array)
    assert np.array_equal(read(_save(tmp_path / "end.nrrd", b"any length" + raw, byte_skip="-1")).data, array)


def test_voxels_beside_the_header(tmp_path, array):
    (tmp_path / "a.raw").write_bytes(_bytes(array))
    assert np.array_equal(read(_save(tmp_path / "a.nhdr", b"", data_file="a.raw")).data, array)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret.raw", "sub/a.raw", "LIST", "a%03d.raw 1 4 1", "..", "gone.raw"]
)
def test_voxel_files_elsewhere_are_refused(tmp_path, array, name):
    (tmp_path / "secret.raw").write_bytes(_bytes(array))
    (tmp_path / "here" / "sub").mkdir(parents=True)
    (tmp_path / "here" / "sub" / "a.raw").write_bytes(_bytes(array))
    with pytest.raises(ReadError, match="voxel"):
        read(_save(tmp_path / "here" / "a.nhdr", b"", data_file=name))


def test_a_link_out_of_the_folder_is_refused(tmp_path, array):
    (tmp_path / "secret.raw").write_bytes(_bytes(array))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.raw").symlink_to(tmp_path / "secret.raw")
    with pytest.raises(ReadError, match="leaves the folder"):
        read(_save(tmp_path / "here" / "a.nhdr", b"", data_file="a.raw"))


def test_frames_on_the_first_or_last_axis(tmp_path, array):
    both = np.stack([array, array + 200])
    first = {"sizes": "2 6 5 4", "kinds": "list domain domain domain", "dimension": "4"}
    directions = "none (2,0,0) (0,3,0) (0,0,4)"
    path = _save(tmp_path / "a.nrrd", _bytes(both), space_directions=directions, **first)
    with pytest.raises(ReadError, match="2 volumes"):
        read(path)
    assert np.array_equal(read(path, frame=1).data, array + 200)
    last = {"sizes": "6 5 4 2", "kinds": "domain domain domain time", "dimension": "4"}
    directions = "(2,0,0) (0,3,0) (0,0,4) none"
    path = _save(tmp_path / "b.nrrd", _bytes(np.moveaxis(both, 0, -1)), space_directions=directions, **last)
    assert np.array_equal(read(path, frame=1).data, array + 200)
    assert read(path, frame=0).geometry.spacing_mm == (2, 3, 4)


def test_color_and_complex_are_refused(tmp_path):
    for kind, word in (("RGB-color", "colors"), ("complex", "complex")):
        path = _save(
            tmp_path / f"{kind}.nrrd",
            b"\0" * 720,
            dimension="4",
            sizes="3 6 5 4",
            kinds=f"{kind} domain domain domain",
            space_directions="none (2,0,0) (0,3,0) (0,0,4)",
        )
        with pytest.raises(ReadError, match=word):
            read(path)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sizes": "6 5"}, ReadError),
        ({"sizes": "6 5 x"}, ReadError),
        ({"sizes": "6 5 -4"}, ReadError),
        ({"sizes": "6 5 0"}, ReadError),
        ({"sizes": "6 5 100000"}, ReadError),
        ({"sizes": "60000 60000 60000"}, ReadError),
        ({"type": "block"}, ReadError),
        ({"type": None}, ReadError),
        ({"encoding": "hex"}, ReadError),
        ({"encoding": None}, ReadError),
        ({"byte_skip": "-7"}, ReadError),
        ({"space_directions": "(2,0,0) (0,3,0)"}, ReadError),
        ({"space_directions": "(2,0,0) (0,nan,0) (0,0,4)"}, GeometryError),
        ({"space_directions": "(2,0,0) (0,3,0) (0,0,0)"}, GeometryError),
        ({"space_directions": "(2,0) (0,3) (0,0)"}, GeometryError),
        ({"space_origin": "(1,2)"}, GeometryError),
        ({"space": None, "space_directions": None, "spacings": "1 1 nan"}, GeometryError),
    ],
)
def test_damaged_headers_are_refused_by_name(tmp_path, array, changes, error):
    with pytest.raises(error, match=r"a\.nrrd"):
        read(_save(tmp_path / "a.nrrd", _bytes(array), **changes))


def test_cut_off_voxels(tmp_path, array):
    raw = _bytes(array)
    with pytest.raises(ReadError, match="cut off"):
        read(_save(tmp_path / "a.nrrd", raw[:-1]))
    with pytest.raises(ReadError):
        read(_save(tmp_path / "b.nrrd", gzip.compress(raw)[:-20], encoding="gzip"))


def test_descriptions(tmp_path, array):
    path = _save(tmp_path / "a.nrrd", _bytes(array), content="a knee")
    (found,) = describe(path)
    assert (found.format, found.value_type, found.text, found.plane) == ("nrrd", "int16", "a knee", "axial")


def test_the_file_says_to_slicer_what_the_labels_are(tmp_path, bones):
    path = tmp_path / "a.seg.nrrd"
    write(bones, path)
    header = path.read_bytes().split(b"\n\n", 1)[0].decode()
    assert "Segment0_Name:=left femur\n" in header
    assert "Segment0_LabelValue:=1\n" in header
    assert "Segment0_Extent:=1 2 1 3 1 1\n" in header
    assert "Segment1_LabelValue:=7\n" in header


def test_names_of_a_slicer_file_are_read(tmp_path):
    labels = np.zeros((6, 5, 4), dtype=np.uint8)
    labels[0, 0, 0], labels[1, 1, 1] = 3, 9
    path = _save(tmp_path / "a.seg.nrrd", labels.tobytes(order="F"), type="uchar")
    raw = path.read_bytes().replace(b"encoding", b"Segment0_Name:=tibia\nSegment0_LabelValue:=3\nencoding")
    path.write_bytes(raw)
    assert dict(read_segmentation(path).names) == {3: "tibia", 9: "label 9"}


@pytest.mark.parametrize("shear", [0.0, 0.3])
def test_itk_sees_every_voxel_where_we_do(tmp_path, array, affine, shear):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its wrappers warn on import
        sitk = pytest.importorskip("SimpleITK")
    affine[:3, 2] += shear * affine[:3, 1]
    write(Volume(array, Geometry(array.shape, affine)), tmp_path / "a.nrrd")
    image = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(image).T, array)
    for ijk in ((0, 0, 0), (5, 4, 3), (2, 1, 3)):
        x, y, z = image.TransformIndexToPhysicalPoint(ijk)
        np.testing.assert_allclose((-x, -y, z), affine[:3, :3] @ ijk + affine[:3, 3], atol=1e-6)
    image = sitk.GetImageFromArray(array.T)
    image.SetDirection((0, -1, 0, 0.6, 0, -0.8, 0.8, 0, 0.6))
    image.SetSpacing((1, 2, 3))
    image.SetOrigin((7, 8, 9))
    sitk.WriteImage(image, str(tmp_path / "b.nrrd"), True)
    volume = read(tmp_path / "b.nrrd")
    assert np.array_equal(volume.data, array)
    x, y, z = image.TransformIndexToPhysicalPoint((5, 3, 2))
    np.testing.assert_allclose(volume.geometry.to_world((5, 3, 2)), (-x, -y, z), atol=1e-9)

"""Files that real scanners and programs wrote."""

from __future__ import annotations

import time
import warnings
import zipfile

import nibabel as nib
import numpy as np
import pytest

from anybone.core.errors import SeriesError
from anybone.io import describe, find_inputs, read, read_segmentation, write

pytestmark = pytest.mark.shared

THIGH = "data/dicom/thigh_t1_and_t2fs.zip"
KNEE = "data/dicom/knee_multi_echo_big_endian.zip"


def _seen_by_itk(folder):
    """Array "i j k" and the LPS position of a voxel, as SimpleITK's own series reader has them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sitk = pytest.importorskip("SimpleITK")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    return sitk.GetArrayFromImage(image).T, image.TransformIndexToPhysicalPoint


@pytest.mark.parametrize(
    ("series", "shape", "spacing", "folder"),
    [
        ("11", (512, 512, 40), 0.390625, "STS_001/MR_T1/image"),
        ("fat sat", (384, 384, 40), 0.5234375, "STS_001/MR_T2/image"),
    ],
)
def test_thigh_from_its_zip(shared, tmp_path, series, shape, spacing, folder):
    volume = read(shared / THIGH, series=series)
    assert volume.geometry.shape_ijk == shape
    assert volume.geometry.spacing_mm == pytest.approx((spacing, spacing, 5.2), abs=1e-4)
    assert volume.geometry.orientation == "LPS"
    assert len(volume.source.headers) == shape[2]
    with zipfile.ZipFile(shared / THIGH) as archive:
        archive.extractall(tmp_path, [n for n in archive.namelist() if n.startswith(folder)])
    array, place = _seen_by_itk(tmp_path / folder)
    assert np.array_equal(volume.data, array)
    for ijk in ((0, 0, 0), (100, 200, 0), (3, 300, 39)):
        x, y, z = place(ijk)
        np.testing.assert_allclose(volume.geometry.to_world(ijk), (-x, -y, z), atol=1e-3)


def test_thigh_lists_both_series_and_skips_the_contours(shared):
    with pytest.raises(SeriesError, match=r"10: AXIAL SE T2 FAT SAT[\s\S]*11: AXIAL SE T1"):
        read(shared / THIGH)
    start = time.perf_counter()
    t2, t1 = describe(shared / THIGH)
    assert time.perf_counter() - start < 5
    assert (t2.series_number, t2.images, t1.series_number, t1.plane) == (10, 40, 11, "axial")
    assert "Skipped 3 files that are not DICOM images" in t1.notes[0]
    assert "(RT Structure Set)" in t1.notes[0]


def test_folders_of_contours_are_no_inputs(shared, tmp_path, caplog):
    with zipfile.ZipFile(shared / THIGH) as archive:
        archive.extractall(tmp_path)
    assert find_inputs(tmp_path) == [tmp_path / "STS_001" / t / "image" for t in ("MR_T1", "MR_T2")]
    assert "Skipped 2 folders of DICOM files that are not images" in caplog.text


def test_knee_has_two_echoes_in_one_series(shared):
    with pytest.raises(SeriesError, match=r"8#echo1[\s\S]*8#echo2"):
        read(shared / KNEE)
    first, second = (read(shared / KNEE, series=f"8#echo{n}") for n in (1, 2))
    assert first.geometry == second.geometry
    assert first.geometry.shape_ijk == (256, 256, 24)
    assert first.geometry.spacing_mm == pytest.approx((0.625, 0.625, 4.0), abs=1e-4)
    assert first.geometry.plane(first.geometry.slice_axis) == "sagittal"
    assert "TE 6.312 ms, FFS" in first.source.description
    assert first.data.mean() > second.data.mean() > 0  # signal decays from echo to echo


def test_hand_and_its_mask(shared):
    volume = read(shared / "samples/hand_t1.nii.gz")
    assert volume.geometry.shape_ijk == (272, 204, 74)
    assert np.array_equal(volume.data, np.asanyarray(nib.load(volume.source.path).dataobj))
    mask = read_segmentation(shared / "samples/hand_t1_reference_prediction.nrrd")
    assert mask.geometry.shape_ijk == volume.geometry.shape_ijk
    assert set(np.unique(mask.labels)) == {0, 1}


def test_limbs_and_their_bones_share_a_grid(shared):
    cases = [p for p in find_inputs(shared / "data/limb_t1") if p.name.endswith("_t1.nii.gz")]
    assert len(cases) == 14
    for path in cases[:3]:
        volume = read(path)
        bone = read_segmentation(path.with_name(path.name.replace("_t1", "_bone")))
        assert bone.geometry.matches(volume.geometry)
        np.testing.assert_allclose(volume.geometry.affine_ras_mm, nib.load(path).affine, atol=1e-6)


def test_dicom_to_every_format_and_back(shared, tmp_path):
    volume = read(shared / KNEE, series="echo1")
    for name in ("a.nii.gz", "a.nrrd", "a.mha"):
        write(volume, tmp_path / name)
        back = read(tmp_path / name)
        assert np.array_equal(back.data, volume.data)
        assert back.geometry.matches(volume.geometry)

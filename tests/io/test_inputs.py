from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from anybone.core.errors import ReadError
from anybone.io import dicom, find_inputs


def test_a_folder_gives_its_images_zips_and_dicom_folders(tmp_path, array, affine, dicom_files):
    for name in ("a.nii.gz", "sub/b.nrrd", "sub/c.mhd", "sub/c.raw", "d.zip", "notes.txt", "e.nii.json", ".hidden.nii"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "x.nii").mkdir()
    dicom_files.write_classic(tmp_path / "patient" / "t1", array, affine)
    dicom_files.write_classic(tmp_path / "patient" / "t2", array, affine)
    (tmp_path / "patient" / "t1" / "im001.dcm").rename(tmp_path / "patient" / "t1" / "IM1")
    (tmp_path / "patient" / "DICOMDIR").write_bytes((tmp_path / "patient" / "t2" / "im001.dcm").read_bytes())
    found = [str(p.relative_to(tmp_path)) for p in find_inputs(tmp_path)]
    assert found == ["a.nii.gz", "d.zip", "patient/t1", "patient/t2", "sub/b.nrrd", "sub/c.mhd"]


def test_a_folder_of_one_series_is_one_input(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine)
    assert find_inputs(tmp_path) == [tmp_path]


def test_a_file_is_itself_and_a_missing_one_an_error(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    assert find_inputs(tmp_path / "a.txt") == [tmp_path / "a.txt"]
    with pytest.raises(ReadError, match="does not exist"):
        find_inputs(tmp_path / "gone")


def test_an_empty_folder_gives_nothing(tmp_path):
    assert find_inputs(tmp_path) == []


def _report(image: Path, path: Path) -> None:
    """A structured report: the header of `image` without anything of the picture."""
    dataset = pydicom.dcmread(image)
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = pydicom.uid.BasicTextSRStorage
    path.parent.mkdir(exist_ok=True)
    dataset.save_as(path)


def test_folders_of_reports_are_no_inputs_and_that_is_said(tmp_path, array, affine, dicom_files, caplog):
    dicom_files.write_classic(tmp_path / "t1", array, affine)
    _report(tmp_path / "t1" / "im001.dcm", tmp_path / "report" / "r.dcm")
    assert find_inputs(tmp_path) == [tmp_path / "t1"]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "Skipped 1 folder of DICOM files that are not images" in record.getMessage()
    assert str(tmp_path / "report") in record.getMessage()


def test_images_behind_many_reports_are_found(tmp_path, array, affine, dicom_files, caplog):
    dicom_files.write_classic(tmp_path / "d", array, affine, prefix="z")
    for n in range(55):
        _report(tmp_path / "d" / "z001.dcm", tmp_path / "d" / f"a{n:02d}.dcm")
    assert find_inputs(tmp_path) == [tmp_path / "d"]
    assert not caplog.records


def test_segmentations_are_no_images(tmp_path, array, affine, dicom_files):
    study = dicom_files.Study(modality="SEG", extra={"SOPClassUID": pydicom.uid.SegmentationStorage})
    dicom_files.write_classic(tmp_path, array, affine, study)
    assert find_inputs(tmp_path) == []


def test_a_folder_of_damaged_images_stays_an_input(tmp_path, array, affine, dicom_files, caplog):
    dicom_files.write_classic(tmp_path, array, affine)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:500])
    assert find_inputs(tmp_path) == [tmp_path]
    assert not caplog.records


def test_only_the_first_image_of_a_folder_is_looked_at(tmp_path, array, affine, dicom_files, monkeypatch):
    dicom_files.write_classic(tmp_path, array, affine)
    opened = []
    holds = dicom.holds
    monkeypatch.setattr(dicom, "holds", lambda path: opened.append(path.name) or holds(path))
    assert find_inputs(tmp_path) == [tmp_path]
    assert opened == ["im001.dcm"]


def test_a_series_picks_the_folders_that_hold_it(tmp_path, array, affine, dicom_files):
    for number, text in ((3, "ax T1"), (5, "ax T2 fs")):
        study = dicom_files.Study(number=number, text=text)
        dicom_files.write_classic(tmp_path / f"patient/s{number}", array, affine, study)
    (tmp_path / "patient" / "x.nii").write_text("x")
    assert find_inputs(tmp_path, "3") == [tmp_path / "patient/s3"]
    assert find_inputs(tmp_path, "T2 fs") == [tmp_path / "patient/s5"]
    assert find_inputs(tmp_path, "ax") == [tmp_path / "patient/s3", tmp_path / "patient/s5"]
    assert find_inputs(tmp_path, "9") == []

from __future__ import annotations

import pytest

from anybone.errors import ReadError
from anybone.io import find_inputs


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


def test_a_folder_of_reports_is_no_input(tmp_path, array, affine, dicom_files):
    import pydicom

    dicom_files.write_classic(tmp_path / "t1", array, affine)
    report = pydicom.dcmread(tmp_path / "t1" / "im001.dcm")
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    report.SOPClassUID = pydicom.uid.BasicTextSRStorage
    (tmp_path / "report").mkdir()
    report.save_as(tmp_path / "report" / "r.dcm")
    assert find_inputs(tmp_path) == [tmp_path / "t1"]


def test_a_series_picks_the_folders_that_hold_it(tmp_path, array, affine, dicom_files):
    for number, text in ((3, "ax T1"), (5, "ax T2 fs")):
        study = dicom_files.Study(number=number, text=text)
        dicom_files.write_classic(tmp_path / f"patient/s{number}", array, affine, study)
    (tmp_path / "patient" / "x.nii").write_text("x")
    assert find_inputs(tmp_path, "3") == [tmp_path / "patient/s3"]
    assert find_inputs(tmp_path, "T2 fs") == [tmp_path / "patient/s5"]
    assert find_inputs(tmp_path, "ax") == [tmp_path / "patient/s3", tmp_path / "patient/s5"]
    assert find_inputs(tmp_path, "9") == []

"""The fast header parser agrees with pydicom and is fast."""

from __future__ import annotations

import time

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from anybone.io import describe
from anybone.io.dicom import header
from anybone.io.dicom.files import open_files
from anybone.io.dicom.images import read_headers


def _rich(ds, k):
    """Add what scanners write: nested sequences of undefined length, private blocks, odd texts."""
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SeriesDescription = "Knie größer"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    ds.EchoTime, ds.FlipAngle, ds.AcquisitionNumber, ds.AcquisitionTime = 12.5, 90, 3, f"1200{k % 60:02d}.25"
    ds.DiffusionBValue = 50.0
    inner, outer = Dataset(), Dataset()
    inner.CodeValue = "1"
    inner.is_undefined_length_sequence_item = outer.is_undefined_length_sequence_item = True
    outer.PurposeOfReferenceCodeSequence = [inner]
    outer["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    ds.ReferencedImageSequence = [outer, outer]
    ds["ReferencedImageSequence"].is_undefined_length = True
    block = ds.private_block(0x0019, "SOME SCANNER", create=True)
    block.add_new(0x10, "OB", bytes(40000))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_the_scan_finds_what_pydicom_finds(tmp_path, dicom_files, monkeypatch, syntax):
    dicom_files.write_slices(tmp_path, 3, study=dicom_files.Study(syntax=syntax), edit=_rich)
    with open_files(tmp_path) as listing:
        fast = read_headers(listing.files).images
        monkeypatch.setattr(header, "_plain", lambda *_: None)
        slow = read_headers(listing.files).images
    for one, other in zip(fast, slow, strict=True):
        for name in vars(one):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert fast[0].text == "Knie größer"
    assert fast[1].acquired == 120001.25
    assert fast[0].splits["b"] == 50.0


def test_plain_files_never_reach_pydicom(tmp_path, dicom_files, monkeypatch):
    dicom_files.write_slices(tmp_path, 3, edit=_rich)
    monkeypatch.setattr(header, "_by_pydicom", None)
    assert [d.images for d in describe(tmp_path)] == [3]


def test_headers_are_read_faster_than_pydicom_reads_them(tmp_path, dicom_files):
    import pydicom

    dicom_files.write_slices(tmp_path, 100, edit=_rich)
    describe(tmp_path)
    start = time.process_time()
    describe(tmp_path)
    fast = time.process_time() - start
    start = time.process_time()
    for path in tmp_path.iterdir():
        assert pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient
    assert fast < 1.5 * (time.process_time() - start)

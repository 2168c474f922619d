from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.multival import MultiValue

from anybone.core.errors import ReadError
from anybone.io import read
from anybone.io.dicom.values import comparable, integer, numbers, optional_number


@pytest.mark.parametrize("value", [None, "", [], MultiValue(float, [])])
def test_missing_and_empty_values_are_none(value):
    assert numbers(value, 3, "X") is None
    assert comparable(value) is None


def test_numbers_are_exactly_as_many_as_asked_for():
    assert numbers([1, "2.5", 3], 3, "X") == (1.0, 2.5, 3.0)
    assert numbers(4, 1, "X") == (4.0,)
    for wrong in ([1, 2], "x", [1, 2, float("nan")], [1, 2, "3m"], [1, 2, [3]]):
        with pytest.raises(ReadError, match="ImagePositionPatient"):
            numbers(wrong, 3, "ImagePositionPatient")


def test_integers():
    ds = Dataset()
    ds.Rows = 5
    assert integer(ds, "Rows") == 5
    assert integer(ds, "Columns") is None
    with pytest.raises(ReadError, match="Rows"):
        integer({"Rows": "5x"}, "Rows")


def test_optional_and_comparable_values_never_fail():
    assert [optional_number(x) for x in ("2.5", 3, None, "x", float("inf"), [1])] == [2.5, 3.0, None, None, None, None]
    assert [comparable(x) for x in (2, "W", ["A", "B"], ["A"])] == [2.0, "W", ("A", "B"), "A"]


def test_a_broken_value_that_does_not_matter_is_no_error(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine, EchoTime=6.25, SeriesNumber=7)
    for path in tmp_path.iterdir():
        raw = path.read_bytes()
        path.write_bytes(raw.replace(b"6.25", b"6.x5").replace(b"IS\x02\x007 ", b"IS\x02\x00x "))
    volume = read(tmp_path)
    assert np.array_equal(volume.data, array)


def test_a_broken_value_that_matters_is_named(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path, array, affine)
    path = tmp_path / "im002.dcm"
    path.write_bytes(path.read_bytes().replace(b"0.9\\0.7", b"0.9\\0x7"))
    with pytest.raises(ReadError, match=r"im002\.dcm.*PixelSpacing"):
        read(tmp_path)

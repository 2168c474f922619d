"""Padding, inversion and compression of DICOM pixels."""

from __future__ import annotations

import time

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import RLELossless

from anybone.core.errors import ReadError
from anybone.io import read


def _write(folder, array, affine, dicom_files, padding=None, **extra):
    study = dicom_files.Study(uid="1.2.9")
    for k in range(array.shape[2]):
        ds = dicom_files.classic_slice(study, array, affine, k, **extra)
        if padding is not None:
            ds.add_new("PixelPaddingValue", "SS" if array.dtype.kind == "i" else "US", padding)
        dicom_files.save(ds, folder / f"{k}.dcm", array[:, :, k].T)


@pytest.mark.parametrize("value", [0, 4095])
def test_padding_of_monochrome1_becomes_the_darkest_value(tmp_path, array, affine, dicom_files, value):
    array = (array + 100).astype(np.uint16)
    array[0] = value
    _write(tmp_path, array, affine, dicom_files, value, PhotometricInterpretation="MONOCHROME1")
    volume = read(tmp_path)
    rest = array[1:].astype(np.float32)
    assert np.array_equal(volume.data[1:], rest.max() + rest.min() - rest)
    assert (volume.data[0] == rest.min()).all()
    assert any("20 voxels are padding" in note for note in volume.source.notes)


def test_a_padding_value_inside_the_range_is_signal(tmp_path, array, affine, dicom_files):
    array = array - 60  # from -60 to 59, with one 0
    _write(tmp_path, array, affine, dicom_files, 0)
    volume = read(tmp_path)
    assert np.array_equal(volume.data, array)
    assert not any("padding" in note for note in volume.source.notes)


def test_a_block_of_the_lowest_number_is_padding(tmp_path, array, affine, dicom_files):
    array = array.copy()
    array[:2] = -32768
    _write(tmp_path, array, affine, dicom_files)
    volume = read(tmp_path)
    assert (volume.data[:2] == 40).all()
    assert np.array_equal(volume.data[2:], array[2:])


def test_twelve_bit_jpeg_extended_is_named(tmp_path, array, affine, dicom_files):
    ds = dicom_files.classic_slice(
        dicom_files.Study(syntax="1.2.840.10008.1.2.4.51"), array, affine, 0, BitsStored=12, HighBit=11
    )
    ds.PixelData = encapsulate([b"\xff\xd8\xff\xc1" + bytes(60)])
    ds["PixelData"].VR = "OB"
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(ReadError, match=r"a\.dcm.*JPEG Extended with more than 8 bits.*Decompress"):
        read(tmp_path / "a.dcm")


def _multi_frame(path, frames, dicom_files):
    affine = np.diag([0.7, 0.8, 1.0, 1.0])
    array = (np.arange(16 * 16 * frames) % 251).reshape(16, 16, frames).astype(np.int16)
    ds = dicom_files.enhanced(array, affine, dicom_files.Study(syntax=RLELossless))
    encoded = [
        RLELosslessEncoder.encode(
            array[:, :, k].T.tobytes(),
            rows=16,
            columns=16,
            samples_per_pixel=1,
            bits_allocated=16,
            bits_stored=16,
            pixel_representation=1,
            photometric_interpretation="MONOCHROME2",
            number_of_frames=1,
        )
        for k in range(frames)
    ]
    ds.PixelData = encapsulate(encoded, has_bot=False)
    ds["PixelData"].VR = "OB"
    ds.save_as(path, enforce_file_format=True)
    return array


def test_compressed_frames_without_offset_table_take_linear_time(tmp_path, dicom_files):
    taken = []
    for frames in (40, 320):
        array = _multi_frame(tmp_path / f"{frames}.dcm", frames, dicom_files)
        start = time.process_time()
        assert np.array_equal(read(tmp_path / f"{frames}.dcm").data, array)
        taken.append(time.process_time() - start)
    assert taken[1] < 20 * taken[0]  # 8 times the frames; a quadratic walk takes over 30 times


def test_too_few_compressed_frames_are_refused(tmp_path, dicom_files):
    import pydicom

    _multi_frame(tmp_path / "a.dcm", 6, dicom_files)
    ds = pydicom.dcmread(tmp_path / "a.dcm")
    ds.PixelData = encapsulate([bytes(64)] * 4, has_bot=False)
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(ReadError, match=r"a\.dcm"):
        read(tmp_path / "a.dcm")

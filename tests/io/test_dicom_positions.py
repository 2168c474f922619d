"""Slice positions within the rounding of the header."""

from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import GeometryError
from anybone.io import describe, read


def _move(shift):
    def edit(ds, k):
        ds.ImagePositionPatient = [float(f"{x:.8g}") for x in shift(np.array(ds.ImagePositionPatient, float), k)]

    return edit


def test_echoes_across_a_rounding_edge_share_their_places(tmp_path, dicom_files):
    study = dicom_files.Study(8)
    for echo, z in ((1, 10.00490), (2, 10.00510)):

        def edit(ds, _k, echo=echo):
            ds.EchoNumbers = echo

        dicom_files.write_slices(
            tmp_path, 5, study=study, origin=(0, 0, z), prefix=f"e{echo}_", first=5 * echo, level=100 * echo, edit=edit
        )
    assert [d.name for d in describe(tmp_path)] == ["8#echo1", "8#echo2"]
    assert read(tmp_path, series="8#echo2").data.min() == 200


def test_alternating_jitter_is_an_even_grid_with_a_note(tmp_path, dicom_files):
    edit = _move(lambda p, k: p + np.array([0, 0, 0.05 if k % 2 else -0.05]))
    voxels = dicom_files.write_slices(tmp_path, 12, step=3.27, edit=edit)
    volume = read(tmp_path)
    assert np.array_equal(volume.data, voxels)
    assert volume.geometry.spacing_mm[2] == pytest.approx(3.27, abs=0.01)
    assert any("uneven by up to 0.09" in note for note in volume.source.notes)


def test_a_stack_rounded_to_a_tenth_is_not_tilted(tmp_path, dicom_files):
    iop = dicom_files.tilted(17)
    edit = _move(lambda p, _k: np.round(p, 1))
    dicom_files.write_slices(tmp_path, 6, step=3.3, iop=iop, edit=edit, origin=(-10.03, -12.27, 30.41))
    volume = read(tmp_path)
    unit = volume.geometry.affine_ras_mm[:3, :3] / volume.geometry.spacing_mm
    assert np.abs(unit.T @ unit - np.eye(3)).max() < 1e-6
    assert any("rounded to 0.1 mm" in note for note in volume.source.notes)
    assert not any("tilt" in note for note in volume.source.notes)
    assert volume.geometry.spacing_mm[2] == pytest.approx(3.3, abs=0.02)
    first = volume.geometry.to_world((0, 0, 0)) * (-1, -1, 1)
    assert np.linalg.norm(first - (-10.03, -12.27, 30.41)) < 0.15


def test_thin_slices_rounded_to_a_tenth_are_even(tmp_path, dicom_files):
    edit = _move(lambda p, _k: np.round(p, 1))
    dicom_files.write_slices(tmp_path, 20, step=0.55, iop=dicom_files.tilted(12), edit=edit)
    assert read(tmp_path).geometry.spacing_mm[2] == pytest.approx(0.55, abs=0.01)


def test_a_true_tilt_stays_sheared(tmp_path, dicom_files):
    dicom_files.write_slices(tmp_path, 8, step=(0.0, 0.4, 4.0))
    volume = read(tmp_path)
    assert any("tilted by 5.71 degrees" in note for note in volume.source.notes)
    np.testing.assert_allclose(volume.geometry.affine_ras_mm[:3, 2], (0, -0.4, 4.0), atol=1e-9)


def test_a_slice_off_its_place_is_still_refused(tmp_path, dicom_files):
    edit = _move(lambda p, k: p + np.array([0, 0, 1.0 * (k == 4)]))
    dicom_files.write_slices(tmp_path, 10, edit=edit)
    with pytest.raises(GeometryError, match=r"5 mm between im0004\.dcm and im0005\.dcm"):
        read(tmp_path)

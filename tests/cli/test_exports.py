"""DICOM SEG and surfaces from the command line."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import trimesh
from typer.testing import Result

import anybone

Run = Callable[..., Result]

ALL_BONE, NO_BONE = "-99", "99"


@pytest.fixture
def series(limb: Path) -> Path:
    """The limb as a folder of DICOM."""
    path = Path(__file__).parents[1] / "io" / "dicom_files.py"
    spec = importlib.util.spec_from_file_location("anybone_test_dicom_files", path)
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    volume = anybone.read(limb)
    data = np.rint(volume.data / volume.data.max() * 1000).astype(np.int16)
    module.write_classic(limb.parent / "series", data, volume.geometry.affine_ras_mm)
    return limb.parent / "series"


def test_a_folder_of_dicom_becomes_dicom_seg(run: Run, series: Path, tiny: Path) -> None:
    result = run("segment", series, "-o", "out/x.dcm", "--weights", tiny, "--threshold", ALL_BONE, "--preview")
    assert result.exit_code == 0, result.stderr
    assert sorted(p.name for p in Path("out").iterdir() if p.suffix != ".lock") == ["run.json", "x.dcm", "x.png"]
    again = anybone.read_segmentation("out/x.dcm")
    assert again.mask.all()
    assert again.geometry == anybone.read(series).geometry
    (case,) = json.loads(Path("out/run.json").read_text())["cases"]
    assert set(case["files"]) == {"mask", "preview"}


def test_a_bone_pointed_at_has_its_name_in_it(run: Run, series: Path, tiny: Path) -> None:
    words = ("--point", "48,48,2", "--name", "femur_left", "--threshold", ALL_BONE)
    result = run("segment", series, "-o", "x.dcm", "--weights", tiny, *words)
    assert result.exit_code == 0, result.stderr
    assert list(anybone.read_segmentation("x.dcm").names.values()) == ["femur_left"]


def test_no_bone_is_said_and_written_as_dicom_seg(run: Run, series: Path, tiny: Path) -> None:
    result = run("segment", series, "-o", "x.dcm", "--weights", tiny, "--threshold", NO_BONE)
    assert result.exit_code == 4
    assert not anybone.read_segmentation("x.dcm").mask.any()


def test_what_is_no_dicom_is_refused_before_the_work(run: Run, limb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anybone.inference.segmenter.Segmenter.segment", lambda *a, **k: 1 / 0)
    result = run("segment", limb, "-o", "x.dcm", "--method", "classical")
    assert result.exit_code == 1
    assert "the source of these is nifti" in result.stderr
    assert not Path("x.dcm").exists()


@pytest.mark.parametrize("suffix", [".stl", ".glb"])
def test_surfaces(run: Run, limb: Path, tiny: Path, suffix: str) -> None:
    words = ("--threshold", ALL_BONE, "--save-probabilities")
    result = run("segment", limb, "-o", f"x{suffix}", "--weights", tiny, *words)
    assert result.exit_code == 0, result.stderr
    names = sorted(p.name for p in Path().iterdir() if p.name.startswith("x"))
    assert names == [f"x{suffix}", "x_probability.nii.gz"]
    mesh = trimesh.load(f"x{suffix}", force="mesh")
    volume = anybone.read(limb)
    assert mesh.volume == pytest.approx(volume.data.size * volume.geometry.voxel_volume_mm3, rel=0.03)


def test_of_no_bone_there_is_no_surface(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "-o", "x.glb", "--weights", tiny, "--threshold", NO_BONE)
    assert result.exit_code == 4
    assert "no bone" in result.stderr
    assert not Path("x.glb").exists()


def test_dicom_seg_is_converted_and_masks_become_surfaces(run: Run, series: Path, tiny: Path) -> None:
    run("segment", series, "-o", "x.dcm", "--weights", tiny, "--threshold", ALL_BONE)
    assert run("convert", "x.dcm", "y.nii.gz").exit_code == 0
    assert np.array_equal(anybone.read_segmentation("y.nii.gz").labels, anybone.read_segmentation("x.dcm").labels)
    assert run("convert", "y.nii.gz", "y.stl").exit_code == 0
    assert trimesh.load("y.stl").is_watertight
    result = run("convert", "y.nii.gz", "z.dcm")
    assert result.exit_code == 1
    assert "DICOM SEG refers to" in result.stderr

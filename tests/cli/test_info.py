from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import Result

import anybone

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def dicom_files() -> ModuleType:
    """The DICOM writer of the tests, a module."""
    path = Path(__file__).resolve().parents[1] / "io" / "dicom_files.py"
    spec = importlib.util.spec_from_file_location("anybone_info_dicom_files", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["anybone_info_dicom_files"] = module
    spec.loader.exec_module(module)
    return module


def test_the_grid_and_what_would_be_done(run: Run, limb: Path, tiny: Path) -> None:
    result = run("info", limb, "--weights", tiny)
    assert result.exit_code == 0, result.stderr
    assert "96 x 96 x 5 voxels of 1.8 x 1.8 x 28 mm, LPS" in result.stdout
    assert "5 axial slices along k (axis 2), weights tiny" in result.stdout


def test_json_holds_the_same(run: Run, limb: Path, tiny: Path) -> None:
    (told,) = json.loads(run("info", limb, "--weights", tiny, "--json").stdout)
    assert told["shape_ijk"] == [96, 96, 5]
    assert told["affine_ras_mm"] == anybone.read(limb).geometry.affine_ras_mm.tolist()
    assert (told["plane"], told["slice_axis"], told["slices"]) == ("axial", 2, 5)
    assert told["weights"]["name"] == "tiny"
    assert told["problem"] is None


def test_without_weights_that_is_said(run: Run, limb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anybone.models.registry.DEFAULT_NAME", "absent")
    assert "anybone weights add" in run("info", limb).stdout
    assert run("info", limb, "--weights", "absent").exit_code == 3


def test_a_folder_and_a_damaged_file(run: Run, limb: Path) -> None:
    Path("study").mkdir()
    Path("study/good.nii.gz").write_bytes(limb.read_bytes())
    Path("study/bad.nii.gz").write_bytes(b"no image")
    result = run("info", "study")
    assert result.exit_code == 3
    assert "bad.nii.gz" in result.stderr
    assert "good.nii.gz" in result.stdout
    assert len(json.loads(run("info", "study", "--json").stdout)) == 1


def test_an_empty_folder(run: Run) -> None:
    Path("study").mkdir()
    assert run("info", "study").exit_code == 4


@pytest.mark.shared
def test_series_of_a_zip(run: Run, shared: Path) -> None:
    found = json.loads(run("info", shared / "data" / "dicom" / "thigh_t1_and_t2fs.zip", "--json").stdout)
    assert [one["shape_ijk"] for one in found] == [[384, 384, 40], [512, 512, 40]]
    assert all(one["series"] and one["plane"] == "axial" for one in found)


def test_stacks_of_one_series_are_choices(run: Run, dicom_files: ModuleType, tiny: Path) -> None:
    study = dicom_files.Study(3, "ax T2 discs")
    for n, angle in enumerate((-20, 0, 10)):
        iop = dicom_files.tilted(angle)
        dicom_files.write_slices(Path("discs"), 4, origin=(0, 0, 40.0 * n), iop=iop, study=study, first=1 + 4 * n)
    told = run("info", "discs", "--weights", tiny).stdout
    assert all(f"discs  series 3#stack{n}" in told for n in (1, 2, 3))
    refused = run("convert", "discs", "all.nii.gz")
    assert refused.exit_code == 3
    assert "3#stack2: ax T2 discs stack2, 24 x 20 x 4" in refused.stderr
    assert run("convert", "discs", "one.nii.gz", "--series", "3#stack2").exit_code == 0
    assert anybone.read("one.nii.gz").geometry.matches(anybone.read("discs", series="3#stack2").geometry)


def test_planes_of_a_localizer_are_read_only_when_chosen(run: Run, dicom_files: ModuleType, tiny: Path) -> None:
    scout = dicom_files.Study(1, "loc")
    for n, iop in enumerate((dicom_files.AXIAL, dicom_files.SAGITTAL)):
        dicom_files.write_slices(Path("study"), 5, iop=iop, study=scout, first=1 + 5 * n, prefix="a")
    dicom_files.write_slices(Path("study"), 5, study=dicom_files.Study(2, "ax T1"), prefix="b")
    assert "read only with --series 1#stack2" in run("info", "study", "--weights", tiny).stdout
    told = json.loads(run("info", "study", "--weights", tiny, "--json").stdout)
    assert [one["default"] for one in told] == [False, False, True]

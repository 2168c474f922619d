"""What pages need to run: the demo's files, a small knee, and DICOM."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

import anybone
from anybone.cli.main import app
from anybone.core.volume import Volume
from limb_phantom import limb_phantom

WRITER = Path(__file__).resolve().parents[1] / "io" / "dicom_files.py"


@pytest.fixture(scope="session")
def dicom_files() -> ModuleType:
    """The DICOM writer of the tests, a module."""
    spec = importlib.util.spec_from_file_location("anybone_test_dicom_files", WRITER)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `anybone demo` leaves, run once for all pages, in the folder "demo"."""
    folder = tmp_path_factory.mktemp("prepared")
    result = CliRunner().invoke(app, ["demo", "-o", str(folder / "demo")])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def volumes(tmp_path_factory: pytest.TempPathFactory, dicom_files: ModuleType) -> Path:
    """The reader's own files: knee.nii.gz, my_masks/ with its bones, and study/ with two series of DICOM."""
    folder = tmp_path_factory.mktemp("volumes")
    limb, truth = limb_phantom(shape_ijk=(96, 96, 8))
    anybone.write(limb, folder / "knee.nii.gz")
    anybone.write(truth, folder / "my_masks" / "knee.nii.gz")
    for number, text in ((3, "ax T1"), (5, "ax T2 fs")):
        _write_series(limb, folder / "study", dicom_files, dicom_files.Study(number=number, text=text))
    return folder


def _write_series(limb: Volume, folder: Path, dicom_files: ModuleType, study: object) -> None:
    stored = np.round(limb.data / limb.data.max() * 1000).astype(np.int16)
    dicom_files.write_classic(folder / f"series{study.number}", stored, limb.geometry.affine_ras_mm, study)

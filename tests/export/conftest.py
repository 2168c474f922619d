from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="session")
def dicom_files() -> ModuleType:
    """The DICOM writer of the readers' tests, a module."""
    path = Path(__file__).parents[1] / "io" / "dicom_files.py"
    spec = importlib.util.spec_from_file_location("anybone_test_dicom_files", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def oblique() -> np.ndarray:
    """An affine off every axis: columns i, j, k of 0.7, 0.9 and 4 mm."""
    angle, tip = 0.3, 0.2
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    lean = np.array([[1, 0, 0], [0, np.cos(tip), -np.sin(tip)], [0, np.sin(tip), np.cos(tip)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ lean @ np.diag([0.7, 0.9, 4.0])
    affine[:3, 3] = (-31.5, 12.25, 80.0)
    return affine

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.core.segmentation import Provenance, Segmentation


@pytest.fixture(scope="session")
def dicom_files() -> ModuleType:
    """The DICOM writer of the tests, a module."""
    path = Path(__file__).with_name("dicom_files.py")
    spec = importlib.util.spec_from_file_location("anybone_test_dicom_files", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def affine() -> np.ndarray:
    """Oblique, anisotropic, right-handed or not: columns i, j, k of 0.7, 0.9 and 4 mm."""
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    tip = np.array([[1, 0, 0], [0, np.cos(0.2), -np.sin(0.2)], [0, np.sin(0.2), np.cos(0.2)]])
    result = np.eye(4)
    result[:3, :3] = turn @ tip @ np.diag([0.7, 0.9, 4.0])
    result[:3, 3] = (-31.5, 12.25, 80.0)
    return result


@pytest.fixture
def array() -> np.ndarray:
    """int16 "i j k" of shape (6, 5, 4), every voxel different."""
    return np.arange(120, dtype=np.int16).reshape(6, 5, 4)


@pytest.fixture
def bones(affine: np.ndarray) -> Segmentation:
    labels = np.zeros((6, 5, 4), dtype=np.uint16)
    labels[1:3, 1:4, 1] = 1
    labels[4, 2, 2:4] = 7
    return Segmentation(
        labels,
        Geometry(labels.shape, affine),
        names={1: "left femur", 7: 'Knochen ü\n"x" \\ y'},
        scores={1: 0.75},
        provenance=Provenance(
            "0.1", "cortex", options={"axis": 2}, timings_s={"read": 0.5}, warnings=("a",), source="x"
        ),
    )

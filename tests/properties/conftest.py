from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

WRITER = Path(__file__).resolve().parents[1] / "io" / "dicom_files.py"


@pytest.fixture(scope="session")
def dicom_files() -> ModuleType:
    """The DICOM writer of the tests, a module."""
    spec = importlib.util.spec_from_file_location("anybone_test_dicom_files", WRITER)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module

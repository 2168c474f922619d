from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest

from anybone.core.errors import ReadError
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.io import FORMATS, describe, read, write
from anybone.io.formats import format_of


def test_importing_io_imports_no_parser_and_no_torch():
    code = (
        "import sys, anybone.io;"
        "heavy = {'torch', 'nibabel', 'pydicom', 'SimpleITK', 'scipy', 'PIL'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_describing_imports_no_torch(tmp_path, array, affine, dicom_files):
    dicom_files.write_classic(tmp_path / "d", array, affine)
    write(Volume(array, Geometry(array.shape, affine)), tmp_path / "a.nii")
    code = (
        "import sys; from anybone.io import describe;"
        f"describe({str(tmp_path / 'd')!r}); describe({str(tmp_path / 'a.nii')!r}); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_suffixes_belong_to_one_format_each():
    every = [s for kind in FORMATS.values() for s in kind.suffixes]
    assert len(every) == len(set(every))
    assert all(set(kind.write_suffixes) <= set(kind.suffixes) for kind in FORMATS.values())


@pytest.mark.parametrize(("name", "key"), [("A.NII.GZ", "nifti"), ("b.seg.nrrd", "nrrd"), ("c.MHA", "metaimage")])
def test_suffixes_decide_whatever_their_case(tmp_path, array, affine, name, key):
    write(Volume(array, Geometry(array.shape, affine)), tmp_path / name)
    assert format_of(tmp_path / name) == key
    assert read(tmp_path / name).source.format == key


def test_files_without_suffix_go_by_their_first_bytes(tmp_path, array, affine, dicom_files):
    volume = Volume(array, Geometry(array.shape, affine))
    for suffix in (".nii", ".nii.gz", ".nrrd"):
        write(volume, tmp_path / f"a{suffix}")
        shutil.move(tmp_path / f"a{suffix}", tmp_path / "plain")
        assert np.array_equal(read(tmp_path / "plain").data, array)
    dicom_files.write_classic(tmp_path / "d", array, affine)
    shutil.move(tmp_path / "d" / "im001.dcm", tmp_path / "plain")
    assert format_of(tmp_path / "plain") == "dicom"


def test_unknown_and_missing_files(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here " * 50)
    with pytest.raises(ReadError, match=r"no known format.*\.nii\.gz"):
        read(tmp_path / "notes.txt")
    with pytest.raises(ReadError, match="does not exist"):
        describe(tmp_path / "gone.nii")


def test_options_that_do_not_apply_are_noted(tmp_path, array, affine, dicom_files):
    write(Volume(array, Geometry(array.shape, affine)), tmp_path / "a.nii")
    assert "series was given" in read(tmp_path / "a.nii", series=3).source.notes[-1]
    dicom_files.write_classic(tmp_path / "d", array, affine)
    assert "frame was given" in read(tmp_path / "d", frame=1).source.notes[-1]

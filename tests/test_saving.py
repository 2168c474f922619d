from __future__ import annotations

import numpy as np
import pytest

import anybone
from anybone import saving
from anybone.core.errors import WriteError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume


@pytest.fixture
def bones() -> Segmentation:
    labels = np.zeros((9, 8, 7), np.uint16)
    labels[2:7, 2:6, 2:5] = 3
    return Segmentation(labels, Geometry(labels.shape, np.diag([1, 1, 2.0, 1])), {3: "patella"}, colors={3: (1, 2, 3)})


@pytest.mark.parametrize("suffix", [".stl", ".glb", ".nii.gz", ".NRRD", ".mha"])
def test_the_suffix_says_what_is_written(suffix, bones, tmp_path):
    anybone.write(bones, tmp_path / f"x{suffix}")
    assert (tmp_path / f"x{suffix}").stat().st_size > 0


def test_a_chosen_color_comes_back_with_a_mask(bones, tmp_path):
    for suffix in (".nii.gz", ".mha"):
        anybone.write(bones, tmp_path / f"x{suffix}")
        again = anybone.read_segmentation(tmp_path / f"x{suffix}")
        assert again.colors == {3: (1, 2, 3)}
        assert again.color(3) == (1, 2, 3)


def test_every_suffix_once():
    assert len(set(saving.suffixes())) == len(saving.suffixes())
    assert set(saving.image_suffixes()) < set(saving.suffixes())
    assert {".dcm", ".stl", ".glb", ".nii.gz"} <= set(saving.suffixes())


def test_what_cannot_be_written(bones, tmp_path):
    with pytest.raises(WriteError, match=r"no suffix.*\.nii\.gz.*\.glb"):
        anybone.write(bones, tmp_path / "x.obj")
    with pytest.raises(WriteError, match=r"no suffix"):
        anybone.write(Volume(np.zeros((2, 2, 2)), Geometry((2, 2, 2), np.eye(4))), tmp_path / "x.obj")
    with pytest.raises(WriteError, match="this is a volume"):
        anybone.write(Volume(np.zeros((2, 2, 2)), Geometry((2, 2, 2), np.eye(4))), tmp_path / "x.stl")
    with pytest.raises(WriteError, match="source of these is not known"):
        anybone.write(bones, tmp_path / "x.dcm")
    assert list(tmp_path.iterdir()) == []

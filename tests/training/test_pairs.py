from __future__ import annotations

import numpy as np
import pytest

import anybone
from anybone.core.errors import GeometryError, NothingFoundError, ReadError
from anybone.training.cache import IGNORE
from anybone.training.data import prepare
from anybone.training.pairs import find_pairs, pair_slices


@pytest.fixture
def folder(tmp_path):
    """A sagittal volume of 6 slices along i, two touching bones on slices 2 and 3."""
    rng = np.random.default_rng(0)
    geometry = anybone.Geometry((6, 40, 30), np.diag([4.0, 0.5, 1.0, 1.0]))
    labels = np.zeros((6, 40, 30), np.uint16)
    labels[2:4, 5:20, 5:15] = 1
    labels[2:4, 20:30, 5:15] = 2
    labels[5] = IGNORE
    names = {1: "a", 2: "b", IGNORE: "not known"}
    anybone.write(anybone.Volume(rng.random((6, 40, 30)).astype(np.float32), geometry), tmp_path / "images/one.nrrd")
    anybone.write(anybone.Segmentation(labels, geometry, names), tmp_path / "masks/one_bones.nii.gz")
    return tmp_path


def test_slices_are_those_of_the_acquired_axis(folder):
    (pair,) = find_pairs(folder / "images", folder / "masks")
    slices = list(pair_slices(pair))
    assert len(slices) == 6
    assert slices[2].image.shape == (40, 30)
    assert slices[2].aspect == 0.5
    assert slices[2].patient == "cases/one"
    assert (slices[5].labels == IGNORE).all()
    assert len(list(pair_slices(pair, sparse=True))) == 3


def test_touching_bones_stay_two(folder):
    cache = prepare([folder])
    assert sorted(cache.bones[2].unique().tolist()) == [0, 1, 2]
    assert cache.bones[5].unique().tolist() == [0, IGNORE]  # beside the slice is background


@pytest.mark.parametrize(
    ("image", "mask"),
    [("7", "7"), ("7", "7_bones"), ("7_0000", "7"), ("7_t1", "7_bone"), ("a_7_t1", "a_7_bone")],
)
def test_names_that_go_together(folder, image, mask):
    (folder / "images/one.nrrd").rename(folder / f"images/{image}.nrrd")
    one = folder / "masks/one_bones.nii.gz"
    for other in ("17_bones", "a_17_bone"):
        one.with_name(f"{other}.nii.gz").write_bytes(one.read_bytes())
    one.rename(one.with_name(f"{mask}.nii.gz"))
    (pair,) = find_pairs(folder / "images", folder / "masks")
    assert pair.mask.name == f"{mask}.nii.gz"


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [("other.nii.gz", NothingFoundError, "one.nii.gz"), ("one_seg.nii.gz", ReadError, "several masks")],
)
def test_a_mask_has_to_be_found_by_name(folder, name, error, said):
    mask = folder / "masks/one_bones.nii.gz"
    if error is NothingFoundError:
        mask.rename(mask.with_name(name))
    else:
        mask.with_name(name).write_bytes(mask.read_bytes())
    with pytest.raises(error, match=said):
        find_pairs(folder / "images", folder / "masks")


def test_a_mask_elsewhere_is_refused(folder):
    (pair,) = find_pairs(folder / "images", folder / "masks")
    moved = anybone.read_segmentation(pair.mask)
    geometry = anybone.Geometry(moved.geometry.shape_ijk, moved.geometry.affine_ras_mm + np.eye(4, k=3))
    anybone.write(anybone.Segmentation(moved.labels, geometry, moved.names), pair.mask)
    with pytest.raises(GeometryError, match="Resample"):
        list(pair_slices(pair))

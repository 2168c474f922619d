import dataclasses

import numpy as np
import pytest

from anybone.core.errors import GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.synthetic.label_map import LabelMap, load, save
from anybone.synthetic.tissue import Tissue


def rod(number: int = 3) -> LabelMap:
    """A rod of cortex and marrow in muscle, 0.8 mm voxels."""
    i, j, _ = np.meshgrid(*[np.arange(n) for n in (20, 18, 16)], indexing="ij")
    away = np.hypot(i - 9.5, j - 8.5)
    tissue = np.full(away.shape, Tissue.MUSCLE, dtype=np.uint8)
    tissue[away < 6] = Tissue.CORTEX
    tissue[away < 4] = Tissue.YELLOW_MARROW
    affine = np.diag([0.8, 0.8, 0.8, 1.0])
    affine[:3, 3] = (-8, 4.5, 100)
    bone = np.where(away < 6, number, 0).astype(np.uint16)
    return LabelMap(tissue, bone, Geometry(away.shape, affine), {number: "left femur"}, "thigh", 7, ("made in code",))


@pytest.mark.parametrize("number", [3, 700])
def test_a_saved_map_comes_back_whole(tmp_path, number):
    made = rod(number)
    again = load(save(made, tmp_path / "folder" / "rod.safetensors"))
    np.testing.assert_array_equal(again.tissue, made.tissue)
    np.testing.assert_array_equal(again.bone, made.bone)
    assert again.bone.dtype == np.uint16
    assert again.geometry == made.geometry
    assert (dict(again.names), again.region, again.seed, again.credits) == (
        {number: "left femur"}, "thigh", 7, ("made in code",),
    )  # fmt: skip
    assert again.sha256 == made.sha256


def test_the_file_is_small(tmp_path):
    made = rod()
    assert save(made, tmp_path / "rod.safetensors").stat().st_size < made.tissue.size / 3


def test_another_voxel_another_hash():
    made = rod()
    tissue = made.tissue.copy()
    tissue[0, 0, 0] = Tissue.FAT
    assert dataclasses.replace(made, tissue=tissue).sha256 != made.sha256
    assert dataclasses.replace(made, names={3: "right femur"}).sha256 != made.sha256


def test_maps_that_contradict_themselves_are_refused():
    made = rod()
    with pytest.raises(GeometryError, match="have no name"):
        dataclasses.replace(made, names={})
    with pytest.raises(GeometryError, match="one shape"):
        dataclasses.replace(made, bone=made.bone[:-1])
    with pytest.raises(GeometryError, match="cubic voxels"):
        dataclasses.replace(made, geometry=Geometry(made.tissue.shape, np.diag([0.8, 0.8, 3.0, 1.0])))
    with pytest.raises(GeometryError, match="cubic voxels"):
        dataclasses.replace(made, geometry=Geometry(made.tissue.shape, np.diag([-0.8, 0.8, 0.8, 1.0])))
    with pytest.raises(GeometryError, match="unknown"):
        dataclasses.replace(made, tissue=np.full_like(made.tissue, len(Tissue)))
    with pytest.raises(GeometryError, match="uint8"):
        dataclasses.replace(made, tissue=made.tissue.astype(np.int32))


def test_a_file_of_something_else_is_refused(tmp_path):
    from safetensors.numpy import save_file

    weights = tmp_path / "weights.safetensors"
    save_file({"a": np.zeros(3)}, weights)
    with pytest.raises(ReadError, match="no label map"):
        load(weights)
    with pytest.raises(ReadError, match="cannot be read"):
        load(tmp_path / "missing.safetensors")


def test_a_file_cut_short_is_refused(tmp_path):
    path = save(rod(), tmp_path / "rod.safetensors")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ReadError, match="cut short"):
        load(path)


def test_tissues_keep_their_numbers():
    assert [t.value for t in Tissue] == list(range(30))
    assert (Tissue.AIR, Tissue.CORTEX, Tissue.FLUID, Tissue.METAL) == (0, 9, 20, 29)

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import trimesh

from anybone.core.errors import MissingExtraError, NothingFoundError, UsageError
from anybone.core.geometry import Geometry
from anybone.core.labels import BONES
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export import EXPORTERS, write_glb, write_stl

AFFINE = np.array([[0, 0, 2.0, 10], [-1.0, 0, 0, 20], [0, 1.0, 0, 30], [0, 0, 0, 1]])


@pytest.fixture
def bones() -> Segmentation:
    labels = np.zeros((24, 20, 10), np.uint16)
    labels[4:12, 4:16, 2:8] = 1
    labels[16:22, 4:10, 2:8] = 4
    names = {1: "left femur", 4: "left femur (2)", 9: "not there"}
    return Segmentation(labels, Geometry(labels.shape, AFFINE), names, colors={4: (255, 0, 10)})


def box_mm(bones: Segmentation, label: int) -> tuple[np.ndarray, np.ndarray]:
    ijk = np.argwhere(bones.labels == label)
    corners = np.array(np.meshgrid(*zip(ijk.min(0) - 0.5, ijk.max(0) + 0.5, strict=True))).reshape(3, -1).T
    world = bones.geometry.to_world(corners)
    return world.min(0), world.max(0)


@pytest.mark.parametrize(("space", "sign"), [("RAS", (1, 1, 1)), ("LPS", (-1, -1, 1))])
def test_stl(bones, tmp_path, space, sign):
    write_stl(bones, tmp_path / "x.stl", space=space)
    data = (tmp_path / "x.stl").read_bytes()
    assert f"SPACE={space}".encode() in data[:80]
    assert not data.startswith(b"solid"), "that would be read as text"
    mesh = trimesh.load(tmp_path / "x.stl")
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx((bones.labels > 0).sum() * 2, rel=0.01)
    low, high = box_mm(bones, 1)
    other_low, other_high = box_mm(bones, 4)
    ends = np.sort(np.array([np.minimum(low, other_low), np.maximum(high, other_high)]) * sign, axis=0)
    np.testing.assert_allclose(mesh.bounds, ends, atol=0.6)


def test_stl_of_one_bone(bones, tmp_path):
    write_stl(bones, tmp_path / "x.stl", label=4)
    mesh = trimesh.load(tmp_path / "x.stl")
    assert mesh.volume == pytest.approx((bones.labels == 4).sum() * 2, rel=0.01)
    np.testing.assert_allclose(mesh.bounds, box_mm(bones, 4), atol=0.6)


def test_glb_has_a_node_with_name_and_color_for_each_bone(bones, tmp_path):
    write_glb(bones, tmp_path / "x.glb")
    scene = trimesh.load(tmp_path / "x.glb")
    assert set(scene.geometry) == {"left femur", "left femur (2)"}
    colors = {"left femur": BONES["femur_left"].color_rgb, "left femur (2)": (255, 0, 10)}
    for label, name in ((1, "left femur"), (4, "left femur (2)")):
        mesh = scene.geometry[name]
        assert mesh.volume == pytest.approx((bones.labels == label).sum() * 2, rel=0.01)
        np.testing.assert_allclose(mesh.bounds, box_mm(bones, label), atol=0.6)
        assert tuple(mesh.visual.material.baseColorFactor[:3]) == colors[name]
        assert mesh.visual.material.name == name


def test_glb_is_gltf_2_and_says_its_space(bones, tmp_path):
    write_glb(bones, tmp_path / "x.glb", space="LPS")
    data = (tmp_path / "x.glb").read_bytes()
    assert data[:8] == b"glTF" + (2).to_bytes(4, "little")
    assert int.from_bytes(data[8:12], "little") == len(data)
    length = int.from_bytes(data[12:16], "little")
    content = json.loads(data[20 : 20 + length])
    assert {"space": "LPS", "unit": "mm"}.items() <= content["scenes"][0]["extras"].items()
    assert all("NORMAL" in mesh["primitives"][0]["attributes"] for mesh in content["meshes"])
    assert {"left femur", "left femur (2)"} <= {node.get("name") for node in content["nodes"]}


def test_two_bones_of_one_name_are_two_nodes(bones, tmp_path):
    twins = Segmentation(bones.labels, bones.geometry, {1: "bone", 4: "bone"})
    write_glb(twins, tmp_path / "x.glb")
    assert set(trimesh.load(tmp_path / "x.glb").geometry) == {"bone", "bone 4"}


@pytest.mark.parametrize("name", ["stl", "glb"])
def test_as_exporters(name, bones, tmp_path):
    volume = Volume(np.zeros(bones.labels.shape), bones.geometry)
    EXPORTERS[name](volume, bones, tmp_path / f"folder/x.{name}")
    assert [p.name for p in (tmp_path / "folder").iterdir()] == [f"x.{name}"]


@pytest.mark.parametrize("write", [write_stl, write_glb])
def test_of_no_bone_there_is_no_surface(write, bones, tmp_path):
    empty = Segmentation(bones.labels * 0, bones.geometry, {1: "bone"})
    with pytest.raises(NothingFoundError, match="no bone"):
        write(empty, tmp_path / "x.stl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_stl, write_glb])
def test_another_space_is_refused(write, bones, tmp_path):
    with pytest.raises(UsageError, match="RAS or LPS"):
        write(bones, tmp_path / "x", space="RSA" if write is write_stl else "LAS")


@pytest.mark.parametrize("module", ["trimesh", "skimage.measure"])
def test_without_the_extra_the_message_has_the_command(module, bones, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"anybone\[mesh\]"):
        write_glb(bones, tmp_path / "x.glb")

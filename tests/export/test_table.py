from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from anybone.core.errors import WriteError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.export import statistics, write_statistics

# i points left in steps of 2 mm, j to the back in steps of 1 mm, k up in steps of 5 mm; voxel 0 at (10, 20, 30).
AFFINE = np.array([[-2.0, 0, 0, 10], [0, -1, 0, 20], [0, 0, 5, 30], [0, 0, 0, 1]])


@pytest.fixture
def two_parts() -> Segmentation:
    labels = np.zeros((10, 10, 6), dtype=np.uint16)
    labels[1:3, 1:4, 1:3] = 1  # 12 voxels
    labels[6, 6, 5] = 1  # 1 voxel
    labels[8:10, 8:10, 0] = 2  # 4 voxels
    return Segmentation(labels, Geometry(labels.shape, AFFINE), names={1: "left femur", 2: "left tibia"})


def test_the_large_part_by_hand(two_parts):
    whole, large, small, tibia, tibia_part = statistics(two_parts)
    assert (whole.component, large.component, small.component) == (0, 1, 2)
    assert (large.label, large.name, large.voxels, large.volume_mm3) == (1, "left femur", 12, pytest.approx(120))
    assert (large.slices, large.first_slice, large.last_slice) == (2, 1, 2)
    assert (large.min_ijk, large.max_ijk) == ((1, 1, 1), (2, 3, 2))
    # r: 10 - 2 i, voxels 2 mm wide: from 10 - 2 * 2.5 to 10 - 2 * 0.5; a: 20 - j; s: 30 + 5 k
    assert large.min_ras_mm == pytest.approx((5, 16.5, 32.5))
    assert large.max_ras_mm == pytest.approx((9, 19.5, 42.5))
    assert large.centroid_ras_mm == pytest.approx((7, 18, 37.5))
    assert small.voxels == 1
    assert tibia.voxels == tibia_part.voxels == 4


def test_a_label_is_the_sum_of_its_parts(two_parts):
    whole, large, small, *_ = statistics(two_parts)
    assert whole.voxels == large.voxels + small.voxels == 13
    assert (whole.slices, whole.first_slice, whole.last_slice) == (3, 1, 5)
    assert whole.max_ijk == (6, 6, 5)


def test_parts_touch_by_corners(two_parts):
    labels = np.zeros((4, 4, 4), dtype=np.uint16)
    labels[0, 0, 0] = labels[1, 1, 1] = labels[3, 3, 3] = 1
    rows = statistics(Segmentation(labels, Geometry(labels.shape, np.eye(4))))
    assert [r.voxels for r in rows] == [3, 2, 1]


def test_an_oblique_box_holds_every_corner_of_every_voxel():
    turn = np.array([[0.8, -0.6, 0, 3], [0.6, 0.8, 0, -2], [0, 0, 2, 1], [0, 0, 0, 1.0]])
    labels = np.zeros((5, 6, 7), dtype=np.uint16)
    labels[1:4, 2:5, 3] = labels[2, 2, 4] = 1
    geometry = Geometry(labels.shape, turn)
    offsets = np.array(np.meshgrid(*[(-0.5, 0.5)] * 3)).reshape(3, -1).T
    corners = geometry.to_world((np.argwhere(labels)[:, None] + offsets).reshape(-1, 3))
    row = statistics(Segmentation(labels, geometry))[0]
    assert row.min_ras_mm == pytest.approx(corners.min(axis=0))
    assert row.max_ras_mm == pytest.approx(corners.max(axis=0))


def test_files_lie_beside_each_other_and_agree(two_parts, tmp_path):
    write_statistics(two_parts, tmp_path / "knee.csv")
    content = json.loads((tmp_path / "knee.json").read_text())
    with (tmp_path / "knee.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert content["orientation"] == "LPS"
    assert content["spacing_mm"] == [2, 1, 5]
    assert [int(r["voxels"]) for r in table] == [r["voxels"] for r in content["rows"]] == [13, 12, 1, 4, 4]
    assert [float(table[1][f"min_{axis}_mm"]) for axis in "ras"] == content["rows"][1]["min_ras_mm"]
    assert table[1]["max_j"] == "3"


def test_nothing_gives_no_rows_and_still_writes(tmp_path):
    empty = Segmentation(np.zeros((3, 3, 3), dtype=np.uint16), Geometry((3, 3, 3), np.eye(4)))
    assert statistics(empty) == []
    write_statistics(empty, tmp_path / "empty.json")
    assert json.loads((tmp_path / "empty.json").read_text())["rows"] == []
    assert (tmp_path / "empty.csv").read_text().startswith("label,name,component,voxels,volume_mm3")


def test_a_folder_that_cannot_be_is_said(two_parts, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"):
        write_statistics(two_parts, tmp_path / "file" / "knee.json")

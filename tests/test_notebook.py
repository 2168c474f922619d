from __future__ import annotations

import gzip
import sys

import nibabel
import numpy as np
import pytest

import anybone
from anybone.core.errors import MissingExtraError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume

AFFINE = np.array([[0, 0, 2.0, 10], [-1.0, 0, 0, 20], [0, 1.0, 0, 30], [0, 0, 0, 1]])


@pytest.fixture
def volume() -> Volume:
    data = np.arange(6 * 5 * 4, dtype=np.float32).reshape(6, 5, 4)
    return Volume(data, Geometry(data.shape, AFFINE))


@pytest.fixture
def bones(volume) -> Segmentation:
    labels = (volume.data > 60).astype(np.uint16) * 3
    return Segmentation(labels, volume.geometry, {1: "left femur", 3: "my own"}, colors={3: (1, 2, 3)})


def stored(layer) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(layer.data))


def test_the_widget_holds_volume_and_bones_where_they_lie(volume, bones):
    widget = anybone.view(volume, bones, opacity=0.3, height=200)
    image, mask = widget.volumes
    np.testing.assert_allclose(stored(image).affine, AFFINE)
    assert np.array_equal(stored(image).get_fdata(), volume.data)
    assert np.array_equal(stored(mask).get_fdata(), bones.labels)
    assert mask.opacity == 0.3
    assert image.cal_min < image.cal_max
    assert widget.height == 200


def test_bones_have_their_colors_and_names(volume, bones):
    table = anybone.view(volume, bones).volumes[1].colormap_label
    colors = np.array(table.lut).reshape(-1, 4)
    assert colors.tolist() == [[0, 0, 0, 0], [*bones.color(1), 255], [0, 0, 0, 0], [1, 2, 3, 255]]
    assert table.labels == ["", "left femur", "", "my own"]


def test_a_volume_alone_even_of_one_gray(volume):
    flat = Volume(np.zeros((2, 2, 2)), Geometry((2, 2, 2), np.eye(4)))
    [layer] = anybone.view(flat).volumes
    assert layer.cal_min < layer.cal_max


def test_without_the_extra_the_message_has_the_command(volume, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipyniivue", None)
    with pytest.raises(MissingExtraError, match=r"anybone\[notebook\]"):
        anybone.view(volume)

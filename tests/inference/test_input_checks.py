from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from anybone.core.geometry import Geometry
from anybone.core.volume import Source, Volume
from anybone.evaluation.out_of_distribution import out_of_distribution
from anybone.inference.input_checks import check_input
from anybone.inference.preprocessing import normalize
from limb_phantom import limb_phantom


def doubts(volume: Volume) -> tuple[str, ...]:
    return check_input(volume, normalize(volume.data), 2)


def textured(shape: tuple[int, int, int] = (128, 128, 6)) -> np.ndarray:
    """A round body with the texture of muscle and fat."""
    texture = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=shape), (3, 3, 0))
    i, j = np.indices(shape[:2])
    body = np.hypot(i - 64, j - 64) < 50
    return np.where(body[..., None], 400 + 120 * texture / texture.std(), 0).clip(0).astype(np.float32)


def volume_of(data: np.ndarray, source: Source | None = None) -> Volume:
    return Volume(data, Geometry(data.shape, np.diag([1.0, 1, 3, 1])), source or Source())


def test_a_body_is_not_doubted():
    assert doubts(volume_of(textured())) == ()


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ct", "as in CT"),
        ("noise", "noise"),
        ("empty scanner", "noise"),
        ("phantom", "no texture"),
        ("photograph", "photograph"),
    ],
)
@pytest.mark.parametrize("seed", [11, 12])
def test_impostors_are_doubted(kind, told, seed):
    found = doubts(out_of_distribution(kind, seed))
    assert any(told in doubt for doubt in found), found
    assert all(doubt.startswith("Do not trust this result") for doubt in found)


@pytest.mark.parametrize(("modality", "doubted"), [("CT", True), ("PT", True), ("MR", False), ("", False)])
def test_dicom_says_what_it_is(modality, doubted):
    source = Source(format="dicom", headers=(SimpleNamespace(Modality=modality),))
    assert bool(doubts(volume_of(textured(), source))) == doubted


def test_values_centered_on_zero_are_no_ct():
    data = textured()
    assert doubts(volume_of((data - data.mean()) / data.std())) == ()


@pytest.mark.parametrize("shape", [(12, 3, 1), (1, 50, 2), (64, 64, 1)])
def test_small_and_empty_images_are_left_alone(shape):
    assert doubts(volume_of(np.zeros(shape, np.float32))) == ()


@pytest.mark.parametrize(
    ("slices", "spacing_mm", "doubted"), [(1, 1.0, True), (3, 1.0, True), (1, 0.6, False), (6, 1.0, False)]
)
def test_a_slice_of_unit_voxels_is_a_picture(slices, spacing_mm, doubted):
    data = textured()[..., :slices]
    volume = Volume(data, Geometry(data.shape, np.diag([spacing_mm, spacing_mm, spacing_mm, 1])))
    assert bool(doubts(volume)) == doubted


def test_a_board_of_flat_squares_has_no_texture():
    board = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((25, 25)))
    assert any("no texture" in doubt for doubt in doubts(volume_of(np.repeat(board[..., None], 3, -1))))


def test_a_limb_with_drawn_tissues_is_not_doubted():
    assert doubts(limb_phantom(shape_ijk=(96, 96, 5))[0]) == ()


@pytest.mark.parametrize(("scale", "warned"), [(1.0, False), (1000.0, True), (0.001, True), (10.0, True)])
def test_the_field_of_view_is_that_of_a_body(scale, warned):
    data = textured()
    volume = Volume(data, Geometry(data.shape, np.diag([scale, scale, 3 * scale, 1])))
    assert any("field of view" in warning for warning in doubts(volume)) == warned

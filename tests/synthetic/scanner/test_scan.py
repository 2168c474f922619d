import functools

import numpy as np
import pytest

from anybone.core.errors import UsageError
from anybone.synthetic.scanner import PLANES, Series, scan
from anybone.synthetic.tissue import Tissue
from painted_limb import limb_map

CLEAN = Series(pixel_mm=1.0, thickness_mm=3.0, gap_mm=0.0, filled=1.0, clean=True)


@functools.cache
def limb():
    return limb_map((100, 100, 80), 1.2)


def center_mm(labels, geometry, number):
    return geometry.to_world(np.argwhere(labels == number).mean(axis=0))


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("filled", [1.0, 1.5])
def test_bones_keep_their_place_their_volume_and_their_names(plane, filled):
    made = limb_map((100, 100, 80), 0.9, capped=True)
    series = Series(pixel_mm=0.8, thickness_mm=2.0, gap_mm=0.0, filled=filled)
    volume, truth = scan(made, "t1", plane, seed=2, series=series)
    assert volume.geometry == truth.geometry
    assert volume.geometry.plane(2) == plane
    assert dict(truth.names) == dict(made.names)
    for number in (1, 2):
        there, found = ((one == number).sum() for one in (made.bone, truth.labels))
        there, found = there * made.geometry.voxel_volume_mm3, found * truth.geometry.voxel_volume_mm3
        assert found == pytest.approx(there, rel=0.03)
        np.testing.assert_allclose(
            center_mm(truth.labels, truth.geometry, number), center_mm(made.bone, made.geometry, number), atol=0.4
        )


def test_the_same_arguments_give_the_same_scan():
    first, again, other = (scan(limb(), "stir", "axial", seed, CLEAN) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first[0].data, again[0].data)
    np.testing.assert_array_equal(first[1].labels, again[1].labels)
    assert not np.array_equal(first[0].data, other[0].data)


def tissue_means(sequence):
    volume, _ = scan(limb(), sequence, "axial", 1, CLEAN)
    nearest = limb().geometry.to_voxel(volume.geometry.to_world(np.argwhere(np.isfinite(volume.data))))
    nearest = np.clip(np.rint(nearest).astype(int), 0, np.array(limb().tissue.shape) - 1)
    tissue = limb().tissue[tuple(nearest.T)]
    return {kind: volume.data.ravel()[tissue == kind].mean() for kind in Tissue if (tissue == kind).any()}


def test_marrow_is_brighter_than_cortex_on_t1_and_suppression_lowers_it():
    t1, suppressed = tissue_means("t1"), tissue_means("t1-fs")
    assert t1[Tissue.YELLOW_MARROW] > 2 * t1[Tissue.CORTEX]
    assert t1[Tissue.YELLOW_MARROW] > 1.3 * t1[Tissue.MUSCLE]
    assert suppressed[Tissue.YELLOW_MARROW] < 0.8 * suppressed[Tissue.MUSCLE]
    assert t1[Tissue.AIR] < 0.3 * t1[Tissue.MUSCLE]


def test_a_series_is_taken_as_asked():
    volume, _ = scan(limb(), "pd", "sagittal", 0, Series(pixel_mm=0.7, thickness_mm=3.0, gap_mm=0.5))
    np.testing.assert_allclose(volume.geometry.spacing_mm, (0.7, 0.7, 3.5), rtol=1e-4)
    assert volume.data.shape[2] == int((104 + 12 - 2 * 1.2) / 3.5)  # across the limb and the margins beside it
    assert (volume.data == volume.data.round()).all()
    assert "sagittal pd" in volume.source.description
    assert volume.source.notes == ("code",)


def test_air_beside_the_body_is_left_out_but_for_a_margin():
    volume, truth = scan(limb(), "t1", "axial", 0, CLEAN)
    extent = np.array(volume.data.shape[:2]) * volume.geometry.spacing_mm[:2]
    assert (extent < 104 + 12 + 16).all()
    assert (extent > 104).all()
    assert truth.mask.any()


def test_random_contrast_is_a_sequence_too():
    volume, truth = scan(limb(), "mixture", "axial", 0, CLEAN)
    assert volume.data.max() > 100
    assert truth.mask.any()


@pytest.mark.parametrize(("sequence", "plane"), [("flair", "axial"), ("t1", "oblique")])
def test_what_does_not_exist_is_refused(sequence, plane):
    with pytest.raises(UsageError, match=r"choose from t1, .*mixture and axial"):
        scan(limb(), sequence, plane)

import numpy as np
import pytest

from anybone.synthetic.example_knee import example_knee
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.rims import vary_rims


@pytest.fixture(scope="module")
def knee():
    return example_knee()


@pytest.fixture(scope="module")
def varied(knee):
    return [vary_rims(knee, seed) for seed in range(6)]


def test_thin_cortex_becomes_marrow_and_thick_cortex_stays(knee, varied):
    before = (knee.tissue == Tissue.CORTEX).sum()
    for one in varied:
        cortex = one.tissue == Tissue.CORTEX
        assert 0.02 * before < cortex.sum() < 0.8 * before
        assert not (cortex & (knee.tissue != Tissue.CORTEX)).any()
        lost = (knee.tissue == Tissue.CORTEX) & ~cortex
        assert np.isin(one.tissue[lost], (Tissue.YELLOW_MARROW, Tissue.RED_MARROW)).all()


def test_bones_are_as_they_were(knee, varied):
    for one in varied:
        assert np.array_equal(one.bone, knee.bone)


def test_some_variants_have_muscles_in_dark_walls_and_some_have_not(knee, varied):
    muscle = knee.tissue == Tissue.MUSCLE
    walls = [((one.tissue == Tissue.TENDON) & muscle).sum() / muscle.sum() for one in varied]
    assert min(walls) == 0
    assert max(walls) > 0.05
    for one, wall in zip(varied, walls, strict=True):
        if wall:
            assert (one.tissue[muscle] == Tissue.MUSCLE).mean() > 0.3


def test_the_same_seed_gives_the_same_variant(knee, varied):
    assert np.array_equal(vary_rims(knee, 3).tissue, varied[3].tissue)

import dataclasses

import numpy as np
import pytest

from anybone.core.errors import UsageError
from anybone.synthetic.contrast.texture import KINDS, TEXTURES
from anybone.synthetic.scanner.atlas import BONE_SHIFT, KIND_SHIFT, TISSUE_MASK, Atlas
from anybone.synthetic.tissue import Tissue
from painted_limb import limb_map


def test_voxels_hold_tissue_texture_and_bone_of_every_map():
    small, large = limb_map((40, 44, 20), 2.5), limb_map((48, 42, 30), 2.2)
    atlas = Atlas.of([small, large])
    code = atlas.voxels[int(atlas.starts[1]) :].numpy()
    np.testing.assert_array_equal(code & TISSUE_MASK, large.tissue.ravel())
    np.testing.assert_array_equal(code >> BONE_SHIFT, large.bone.ravel())
    muscle = code[large.tissue.ravel() == Tissue.MUSCLE]
    assert set((muscle >> KIND_SHIFT) & 3) == {KINDS.index(TEXTURES[Tissue.MUSCLE].kind)}
    assert atlas.shapes.tolist() == [[40, 44, 20], [48, 42, 30]]
    assert atlas.names[1] == large.names


def test_a_limb_is_cut_at_its_ends_only():
    assert Atlas.of([limb_map((60, 60, 30), 2.0)]).cut[0].tolist() == [[False, False], [False, False], [True, True]]


def test_places_lie_in_bone_and_small_bones_are_as_frequent_as_large_ones():
    made = limb_map((60, 60, 30), 2.0)
    places = Atlas.of([made]).places_vx[0].long().numpy()
    numbers = made.bone[tuple(places.T)]
    assert (numbers > 0).all()
    assert 0.4 < (numbers == 2).mean() < 0.6
    assert (made.bone == 2).sum() < 0.3 * (made.bone == 1).sum()


def test_metal_is_noticed():
    assert not Atlas.of([limb_map((40, 40, 20), 2.5)]).has_metal
    assert Atlas.of([limb_map((40, 40, 20), 2.5), limb_map((40, 40, 20), 2.5, metal=True)]).has_metal


def test_maps_that_cannot_be_used_are_refused():
    made = limb_map((40, 40, 20), 2.5)
    with pytest.raises(UsageError, match="at least one"):
        Atlas.of([])
    with pytest.raises(UsageError, match="without any bone"):
        Atlas.of([dataclasses.replace(made, bone=np.zeros_like(made.bone))])
    many = dataclasses.replace(
        made, bone=np.where(made.bone == 1, 300, made.bone).astype(np.uint16), names={2: "b", 300: "c"}
    )
    with pytest.raises(UsageError, match="up to 255; found 300"):
        Atlas.of([many])

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from anybone.training.cache import IGNORE
from anybone.training.slice_components import label_components


def test_what_does_not_touch_is_two_pieces_and_bones_never_join():
    bones = torch.zeros(2, 64, 64, dtype=torch.long)
    bones[0, 8:24, 8:24] = bones[0, 40:60, 8:24] = 3  # one bone in two places
    bones[0, 24:40, 8:24] = 7  # another that touches both
    bones[1, :, 30:34] = 9
    bones[1, 10:12, 50:52] = IGNORE
    pieces = label_components(bones)
    assert len(set(pieces[0][bones[0] == 3].tolist())) == 2
    assert len({int(pieces[0, y, 12]) for y in (12, 30, 50)}) == 3
    assert torch.equal(pieces == 0, bones == 0)
    assert torch.equal(pieces == IGNORE, bones == IGNORE)
    assert pieces[1][bones[1] == 9].unique().tolist() == [1]


def test_a_long_way_round_is_one_piece():
    spiral = torch.zeros(1, 128, 128, dtype=torch.long)
    spiral[0, 8:120, 8:16] = spiral[0, 112:120, 8:120] = spiral[0, 8:120, 112:120] = spiral[0, 8:16, 32:120] = 1
    assert label_components(spiral).max() == 1


def test_thin_bone_gets_a_number_too():
    bones = torch.zeros(1, 64, 64, dtype=torch.long)
    bones[0, 20, 5:50] = 4  # one pixel wide, and not through the middle of cells
    assert (label_components(bones)[0, 20, 5:50] == 1).all()


def test_an_image_full_of_bone():
    assert label_components(torch.ones(1, 16, 16, dtype=torch.long)).unique().tolist() == [1]


def test_blobs_are_parted_as_scipy_parts_them():
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.normal(size=(6, 192, 192)), (0, 9, 9)) > 0.02
    pieces = label_components(torch.from_numpy(blobs).long()).numpy()
    agree = []
    for mask, found in zip(blobs, pieces, strict=True):
        expected, count = ndimage.label(mask)
        largest = [n for n in range(1, count + 1) if (expected == n).sum() > 100]
        agree += [len(np.unique(found[expected == n])) == 1 for n in largest]
    assert np.mean(agree) > 0.9

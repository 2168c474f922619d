from __future__ import annotations

import numpy as np

from anybone.core.run_lengths import RunLengths
from anybone.interactive.components import connected_components


def planes_of(volume: np.ndarray) -> dict[int, RunLengths]:
    return {k: RunLengths.from_array(volume[k]) for k in range(len(volume)) if volume[k].any()}


def test_pieces_hang_together_by_corners_over_slices():
    volume = np.zeros((5, 8, 9), np.uint16)
    volume[1, 2, 3] = volume[2, 3, 4] = 7
    volume[3, 7, 8] = 7
    volume[2, 0, 0] = 1
    pieces = connected_components(planes_of(volume), 7)
    assert pieces.count == 2
    assert sorted(pieces.sizes.tolist()) == [1, 2]
    assert list(pieces.slices) == [1, 2, 3]
    whole = np.stack([pieces.on_slice(k) for k in pieces.slices])
    assert np.array_equal(whole > 0, volume[1:4] == 7)
    assert whole[0, 2, 3] == whole[1, 3, 4] != whole[2, 7, 8]


def test_a_slice_without_it_parts_the_pieces():
    volume = np.zeros((5, 4, 4), np.uint16)
    volume[[0, 2]] = 1
    assert connected_components(planes_of(volume), 1).count == 2
    assert connected_components(planes_of(volume), 2) is None

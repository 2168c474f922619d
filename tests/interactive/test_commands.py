"""One piece of an answer is kept, the rest erased."""

from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import PromptError
from anybone.core.prompts import Point


def test_the_piece_that_is_pointed_at_stays(segmenter, volume) -> None:
    session = segmenter.session(volume).automatic([1, 2])
    assert session.mask.sum() == 2 * 512
    session.keep((16, 16, 1))
    expected = np.zeros(volume.data.shape, dtype=bool)
    expected[8:24, 8:24, 1:3] = True
    np.testing.assert_array_equal(session.mask, expected)
    assert [step.verb for step in session.history] == ["automatic", "keep"]
    session.add(Point((16, 16, 3)))  # what was cut away stays away on its own slices
    assert session.mask[48, 40].tolist() == [False] * 6
    assert session.undo()
    assert session.undo()
    assert session.mask.sum() == 2 * 512


def test_there_has_to_be_a_piece(segmenter, volume) -> None:
    session = segmenter.session(volume)
    with pytest.raises(PromptError, match="does not contain"):
        session.keep((16, 16, 1))
    session.automatic([1])
    for outside in ((2, 2, 1), (16, 16, 2)):
        with pytest.raises(PromptError, match="does not contain"):
            session.keep(outside)
    with pytest.raises(PromptError, match="outside the volume"):
        session.keep((99, 0, 0))
    assert session.revision == 1


def test_splitting_removes_dust(segmenter, volume) -> None:
    dust = np.zeros((64, 64), dtype=bool)
    dust[0, 0] = dust[63, 0] = True
    session = segmenter.session(volume).automatic().paint(2, dust)
    label = session.commit("femur")
    assert session.split(label) == [1, 2]
    assert session.history[-1].text == "Split femur into 2 connected components. Removed 2 smaller than 30 mm3."
    assert not session.segmentation().labels[0, 0, 2]
    session.undo()
    assert len(session.split(label, min_mm3=0)) == 4

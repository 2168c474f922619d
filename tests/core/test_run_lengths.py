from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anybone.core.errors import PromptError
from anybone.core.run_lengths import RunLengths

PLANES = hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(0, 3))


def test_rows_vary_fastest():
    plane = np.array([[1, 0, 0], [1, 2, 0]])
    assert RunLengths.from_array(plane).to_list() == [1, 2, 0, 1, 2, 1, 0, 2]


@given(PLANES)
def test_a_plane_comes_back(plane):
    runs = RunLengths.from_array(plane)
    assert np.array_equal(runs.to_array(), plane)
    assert np.array_equal(runs.to_mask(), plane > 0)
    assert runs.any() == plane.any()
    again = RunLengths.from_list(plane.shape, runs.to_list())
    assert again == runs
    assert hash(again) == hash(runs)


@given(PLANES)
def test_extents_are_those_of_the_pixels(plane):
    expected = {}
    for label in set(plane.ravel().tolist()) - {0}:
        rows, columns = np.nonzero(plane == label)
        expected[label] = (len(rows), (rows.min(), columns.min()), (rows.max(), columns.max()))
    assert RunLengths.from_array(plane).extents == expected


def test_runs_of_one_label_are_joined():
    assert RunLengths.from_list((2, 2), [1, 1, 1, 1, 0, 2]) == RunLengths.from_array(np.array([[1, 0], [1, 0]]))


def test_a_mask_of_bools():
    assert RunLengths.from_array(np.eye(2, dtype=bool)).to_list() == [1, 1, 0, 2, 1, 1]
    assert RunLengths.empty((3, 2)).to_list() == [0, 6]


@pytest.mark.parametrize(
    "values",
    [[], [1], [1, 3], [1, 5], [0, 4, 1, 0], [0, 2, 1, -2], [70000, 4], [-1, 4], [0.0, 4.0], ["a", "b"], [[0, 4]]],
)
def test_what_does_not_fill_the_plane_is_refused(values):
    with pytest.raises(PromptError):
        RunLengths.from_list((2, 2), values)


def test_nobody_changes_them():
    runs = RunLengths.from_array(np.eye(2))
    with pytest.raises(ValueError, match="read-only"):
        runs.labels[0] = 3

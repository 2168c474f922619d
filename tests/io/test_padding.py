"""Which voxels are padding, and what replaces them."""

from __future__ import annotations

import numpy as np

from anybone.io.padding import fill_lowest, fill_padding


def _image() -> np.ndarray:
    return np.arange(10, 70, dtype=np.float32).reshape(5, 4, 3)


def test_padding_below_the_rest_becomes_the_smallest_other_value():
    data = _image()
    data[0] = -2000
    (note,) = fill_padding(data, data == -2000)
    assert (data[0] == 22).all()
    assert np.array_equal(data[1:], _image()[1:])
    assert "12 voxels are padding" in note


def test_padding_above_the_rest_becomes_the_darkest_too():
    data = _image()
    data[0] = 65535
    fill_padding(data, data == 65535)
    assert (data[0] == 22).all()


def test_padding_becomes_the_largest_value_where_low_is_bright():
    data = _image()
    data[0] = 0
    fill_padding(data, data == 0, low_is_bright=True)
    assert (data[0] == 69).all()


def test_a_fill_value_inside_the_range_is_signal():
    data = _image() - 40
    assert fill_padding(data, data == 0) == ()
    assert np.array_equal(data, _image() - 40)


def test_an_image_of_padding_alone_is_left_as_it_is():
    data = np.full((3, 3, 3), -5, np.float32)
    assert fill_padding(data, data == -5) == ()
    assert fill_lowest(data, -5.0) == ()


def test_a_block_of_the_lowest_number_is_padding():
    data = _image()
    data[0] = -32768
    (note,) = fill_lowest(data, -32768.0)
    assert (data[0] == 22).all()
    assert "12 voxels" in note


def test_the_lowest_number_of_a_full_range_is_signal():
    data = np.linspace(-32768, 32767, 60, dtype=np.float32).reshape(5, 4, 3)
    assert fill_lowest(data, -32768.0) == ()
    assert data[0, 0, 0] == -32768

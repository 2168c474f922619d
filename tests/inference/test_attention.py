from __future__ import annotations

import torch

from anybone.inference.attention import attention_input, attention_map, slice_attention
from anybone.inference.slicing import SliceFrame


def test_bone_near_a_slice_attracts_attention():
    probability = torch.zeros(64, 64, 64)
    probability[10:20, 30:40, 32:40] = 0.9
    maps = attention_map(probability, 37, 74)  # center 32
    assert (maps[10:20, 30:40] > 0.99).all()
    assert not maps[:10].any()
    assert not attention_map(probability, 10, 74).any()  # center 8: nothing within 8 cells


def test_faint_probabilities_do_not_count():
    assert not attention_map(torch.full((64, 64, 64), 0.1), 5, 10).any()


def test_curve_is_continuous_at_its_knee():
    probability = torch.zeros(64, 64, 64)
    probability[0, 0, :16] = 1
    probability[0, 1, 0] = 0.8  # 0.8 of 16 is the knee, 0.05
    low = attention_map(probability, 0, 64 // 8)
    assert low[0, 0] == 1
    probability[0, 1, 0] = 0.8 + 1e-3
    assert abs(float(attention_map(probability, 0, 8)[0, 1] - low[0, 1])) < 2e-3


def test_the_map_covers_the_slice_and_not_the_rest_of_the_frame():
    frame = SliceFrame(axis=2, index=0, slice_shape=(10, 20), content_shape=(128, 256), frame_shape=(160, 256))
    maps = slice_attention(torch.ones(64, 64, 64), frame, 10)
    assert maps.shape == (1, 10, 16)
    assert (maps[0, :8] == 1).all()
    assert not maps[0, 8:].any()


def test_volume_of_any_shape_becomes_cells():
    assert attention_input(torch.rand(3, 70, 200)).shape == (1, 1, 64, 64, 64)


def test_what_attend_gives_is_taken_as_it_is():
    probability = torch.rand(2, 1, 64, 64, 64)
    maps = attention_map(probability, 5, 20)
    assert maps.shape == (2, 64, 64)
    assert torch.equal(maps[1], attention_map(probability[1, 0], 5, 20))

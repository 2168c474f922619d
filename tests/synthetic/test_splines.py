import numpy as np
import torch

from anybone.synthetic.splines import control_positions, field, volume, weights


def test_weights_sum_to_one_and_reproduce_a_line():
    positions = torch.linspace(0, 1, 17)
    given = weights(positions, 7)
    torch.testing.assert_close(given.sum(dim=1), torch.ones(17))
    torch.testing.assert_close(given @ control_positions(7), positions, atol=1e-6, rtol=0)


def test_a_field_follows_its_controls_along_each_axis():
    z, y, x = control_positions(4), control_positions(5), control_positions(6)
    control = (100 * z[:, None, None] + 10 * y[:, None] + x)[None, None]
    made = field(control, torch.tensor([[0.25, 0.75]]), rows=8, columns=4)
    assert made.shape == (1, 1, 2, 8, 4)
    torch.testing.assert_close(made[0, 0, 1, 3, 2], torch.tensor(75 + 10 * 3.5 / 8 + 2.5 / 4), atol=1e-4, rtol=0)


def test_a_volume_is_the_field_at_the_middles_of_its_voxels():
    control = np.random.default_rng(0).normal(size=(4, 7, 5)).astype(np.float32)
    made = volume(control, (9, 30, 4))
    depth = (torch.arange(9) + 0.5)[None] / 9
    expected = field(torch.from_numpy(control)[None, None], depth, 30, 4)[0, 0]
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_a_volume_has_no_kinks_at_its_controls():
    line = volume(np.random.default_rng(0).normal(size=(4, 4, 12)).astype(np.float32), (1, 1, 900))[0, 0]
    slope = np.diff(line.astype(np.float64))
    assert np.abs(np.diff(slope)).max() < 0.05 * np.abs(slope).max()

import torch

from anybone.anatomy.splines import control_positions, field, weights


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

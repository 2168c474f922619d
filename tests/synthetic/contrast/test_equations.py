import math

import torch

from anybone.synthetic.contrast.equations import gradient_echo, inversion_recovery, null_time, spin_echo


def ms(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_a_spin_echo_by_hand():
    assert spin_echo(ms(500), ms(50), ms(1e9), ms(0)).item() == 1
    recovered, decayed = 1 - math.exp(-1), math.exp(-2)
    torch.testing.assert_close(spin_echo(ms(500), ms(50), ms(500), ms(100)), ms(recovered * decayed))


def test_inversion_nulls_what_it_is_set_to_and_turns_what_is_slower():
    t1, tr = ms(288.0), ms(4000.0)
    ti = null_time(t1, tr)
    torch.testing.assert_close(ti, ms(288 * math.log(2)), rtol=1e-4, atol=0)
    assert abs(inversion_recovery(t1, ms(165), tr, ms(30), ti).item()) < 1e-9
    assert inversion_recovery(ms(1400), ms(40), tr, ms(30), ti).item() < -0.2


def test_without_time_to_invert_nothing_is_gained():
    torch.testing.assert_close(
        inversion_recovery(ms(700), ms(40), ms(1e9), ms(0), ms(0)), -spin_echo(ms(700), ms(40), ms(1e9), ms(0))
    )


def test_a_gradient_echo_is_brightest_at_the_ernst_angle():
    t1, tr = 900.0, 30.0
    flips = torch.deg2rad(torch.arange(1, 90, dtype=torch.float64))
    signal = gradient_echo(ms(t1), ms(40), ms(tr), ms(5), flips)
    ernst = math.acos(math.exp(-tr / t1))
    assert abs(flips[signal.argmax()].item() - ernst) <= math.radians(0.6)

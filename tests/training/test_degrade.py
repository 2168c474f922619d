import torch

from anybone.training.degrade import degrade


def images(count=64):
    """Half dark, half bright, with air around."""
    x = torch.zeros(count, 64, 64)
    x[:, 8:56, 8:56] = 0.3
    x[:, 8:56, 32:56] = 0.7
    return x


def changed(seed=0):
    return degrade(images(), 1.0, torch.Generator().manual_seed(seed))


def test_images_stay_in_range_and_keep_their_order_of_brightness():
    after = changed()
    assert after.min() >= 0
    assert after.max() <= 1
    dark, bright = after[:, 16:48, 12:28].mean((1, 2)), after[:, 16:48, 36:52].mean((1, 2))
    assert (bright > dark).all()


def test_air_stays_dark():
    assert changed()[:, :4, :4].mean((1, 2)).max() < 0.12


def test_grain_covers_what_clinical_scans_show():
    grain = changed()[:, 16:48, 12:28].std((1, 2)).sort().values
    assert grain[len(grain) // 4] < 0.004  # some stay clean
    assert grain[-len(grain) // 6] > 0.02


def test_edges_become_softer_in_some_and_sharper_in_others():
    after = changed()
    step = (after[:, 30:34, 32] - after[:, 30:34, 31]).mean(1)
    whole = after[:, 16:48, 40:52].mean((1, 2)) - after[:, 16:48, 12:24].mean((1, 2))
    assert (step < 0.7 * whole).any()
    assert (step > 1.1 * whole).any()


def test_nothing_changes_where_nothing_is_asked_for():
    assert torch.equal(degrade(images(), 0.0, torch.Generator().manual_seed(0)), images())


def test_the_same_generator_gives_the_same_images():
    assert torch.equal(changed(5), changed(5))
    assert not torch.equal(changed(5), changed(6))

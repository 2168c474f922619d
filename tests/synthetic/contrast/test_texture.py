import torch

from anybone.synthetic.contrast.texture import BLOCK, CODES, KINDS, LEVELS, TEXTURES, level_values, noise_blocks


def correlation(field, axis, shift):
    a = field.float() - field.float().mean()
    return float((a * a.roll(shift, axis)).mean() / a.square().mean())


def blocks():
    codes = noise_blocks(torch.device("cpu")).view(len(KINDS), BLOCK, BLOCK, BLOCK)
    return {kind: (codes[n] // LEVELS, codes[n] % LEVELS) for n, kind in enumerate(KINDS)}


def test_all_levels_are_about_equally_frequent():
    for coarse, fine in blocks().values():
        for level in (coarse, fine):
            share = torch.bincount(level.flatten().int(), minlength=LEVELS) / level.numel()
            assert share.min() > 0.8 / LEVELS
            assert share.max() < 1.2 / LEVELS


def test_coarse_spots_are_wide_and_grain_is_narrow():
    coarse, fine = blocks()["grain"]
    assert correlation(coarse, 0, 5) > 0.7
    assert abs(correlation(fine, 0, 5)) < 0.05


def test_streaks_run_along_the_body_and_walls_are_thin():
    made = blocks()
    assert correlation(made["streaks"][1], 2, 5) > 0.6
    assert abs(correlation(made["streaks"][1], 0, 5)) < 0.1
    assert correlation(made["septa"][1], 0, 1) > 0.3


def test_noise_is_the_same_every_time_and_wraps():
    codes = noise_blocks(torch.device("cpu"))
    noise_blocks.cache_clear()
    assert torch.equal(codes, noise_blocks(torch.device("cpu")))
    coarse, _ = blocks()["grain"]
    across_the_seam = (coarse[0].float() - coarse[-1].float()).abs().mean()
    assert across_the_seam < 1.5 * (coarse[1].float() - coarse[0].float()).abs().mean()


def test_level_values_have_mean_0_and_deviation_about_1():
    values = level_values()
    assert len(values) ** 2 == CODES
    assert abs(values.mean()) < 1e-6
    assert 0.9 < values.std() < 1.05


def test_textures_name_known_kinds():
    assert {texture.kind for texture in TEXTURES.values()} <= set(KINDS)

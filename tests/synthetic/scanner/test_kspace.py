import dataclasses
import math

import pytest
import torch

from anatomy_frames import level_frames
from anybone.synthetic.contrast import BatchRng, physics
from anybone.synthetic.scanner.kspace import Acquisition, KSpace, draw_acquisition

N = 64


def quiet(**changes):
    """One image at full resolution, without noise, motion or shift."""
    zero = torch.zeros(1)
    plain = Acquisition(
        acquired_mm=torch.ones(1, 2), filtered=zero, phase_down=zero == 0, shift_mm=zero, snr=zero + 1e6,
        swing_mm=zero, swings=zero + 8, jerk_mm=zero, jerk_at=zero + 0.1,
    )  # fmt: skip
    return dataclasses.replace(plain, **{name: torch.tensor(value) for name, value in changes.items()})


def taken(water, fat=None, matrix=None, phase=0.0, **changes):
    contrast = dataclasses.replace(physics(["t1"], BatchRng(0), 1.5), fat_phase_rad=torch.tensor([phase]))
    made = KSpace(quiet(**changes), level_frames(1), contrast, tuple(water.shape), torch.device("cpu"))
    fat = torch.zeros_like(water) if fat is None else fat
    size = matrix or tuple(water.shape)
    return made.image(torch.tensor([0]), water[None, None], fat[None, None], size, torch.Generator().manual_seed(0))[
        0, 0
    ]


def box(rows=slice(20, 44), columns=slice(24, 40)):
    image = torch.zeros(N, N)
    image[rows, columns] = 1
    return image


def test_a_perfect_scanner_shows_what_is_there():
    torch.testing.assert_close(taken(box()), box(), atol=1e-4, rtol=0)


def test_noise_is_that_of_rice():
    """Far above noise it is Gaussian with the deviation asked for; in air its mean is sigma * sqrt(pi / 2)."""
    image = taken(torch.cat([torch.full((256, 128), 1.0), torch.zeros(256, 128)], dim=1), snr=[25.0])
    tissue, air = image[:, 8:120], image[:, 136:248]
    assert tissue.std().item() == pytest.approx(1 / 25, rel=0.05)
    assert air.mean().item() == pytest.approx(math.sqrt(math.pi / 2) / 25, rel=0.05)


def test_noise_keeps_its_strength_when_k_space_is_cut_and_filtered():
    image = taken(torch.full((256, 256), 1.0), snr=[25.0], acquired_mm=[[2.0, 1.5]], filtered=[0.8])
    assert image.std().item() == pytest.approx(1 / 25, rel=0.08)
    neighbors = (image[:, 1:] - image[:, :-1]).std().item()
    assert neighbors < 0.8 * math.sqrt(2) / 25  # neighbors share their noise


def test_cut_off_k_space_rings_at_edges_and_filtering_calms_it():
    ringing = taken(box(), acquired_mm=[[2.0, 2.0]])
    assert 1.05 < ringing.max() < 1.4
    calm = taken(box(), acquired_mm=[[2.0, 2.0]], filtered=[1.0])
    assert calm.max() < 1.02
    assert ringing.mean().item() == pytest.approx(box().mean().item(), rel=0.2)


def test_fat_lies_beside_water_along_the_frequency_axis():
    down = taken(torch.zeros(N, N), box(), shift_mm=[3.0], phase_down=[False])
    right = taken(torch.zeros(N, N), box(), shift_mm=[3.0], phase_down=[True])
    torch.testing.assert_close(down, box().roll(3, 0), atol=1e-4, rtol=0)
    torch.testing.assert_close(right, box().roll(3, 1), atol=1e-4, rtol=0)


def test_fat_out_of_phase_cancels_water():
    torch.testing.assert_close(taken(box(), box(), phase=math.pi), torch.zeros(N, N), atol=1e-4, rtol=0)
    torch.testing.assert_close(taken(box(), box(), phase=math.pi / 2), math.sqrt(2) * box(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("change", [{"swing_mm": [1.0]}, {"jerk_mm": [3.0], "jerk_at": [0.05]}])
def test_motion_leaves_ghosts_along_the_phase_axis_only(change):
    still, moved = taken(box()), taken(box(), phase_down=[True], **change)
    above, beside = moved[:16, 24:40].mean(), moved[20:44, :16].mean()
    assert above > 5e-3
    assert beside < 1e-4
    center = (moved * torch.arange(N)[:, None]).sum() / moved.sum()
    assert center.item() == pytest.approx(31.5, abs=1.5)  # the middle of k-space is taken before the jerk
    assert (moved - still).abs().max() > 0.05


@pytest.mark.parametrize("size", [(64, 64), (63, 48)])
def test_filling_with_zeros_refines_and_keeps_acquired_pixels(size):
    smooth = torch.exp(
        -(((torch.arange(size[0]) - 30) / 6.0)[:, None] ** 2) - ((torch.arange(size[1]) - 25) / 5.0) ** 2
    )
    fine = taken(smooth, matrix=(2 * size[0], 2 * size[1]))
    torch.testing.assert_close(fine[::2, ::2], smooth, atol=1e-3, rtol=0)
    assert fine[61, 50].item() == pytest.approx(math.exp(-((0.5 / 6) ** 2)), abs=1e-3)


def test_drawn_acquisitions_are_no_finer_than_pixels_and_coarser_along_phase():
    frames = level_frames(200, pixel=0.5)
    drawn = draw_acquisition(frames, physics(["t1"] * 200, BatchRng(1)), BatchRng(0))
    assert (drawn.acquired_mm >= 0.5).all()
    down, right = drawn.acquired_mm.unbind(1)
    assert (down >= right)[drawn.phase_down].all()
    assert (right >= down)[~drawn.phase_down].all()
    assert (drawn.shift_mm != 0).all()
    assert 0.05 < (drawn.swing_mm > 0).float().mean() < 0.4
    clean = draw_acquisition(frames, physics(["t1"] * 200, BatchRng(1)), BatchRng(0), clean=True)
    assert (clean.swing_mm == 0).all()
    assert (clean.jerk_mm == 0).all()
    assert clean.snr.min() >= 40

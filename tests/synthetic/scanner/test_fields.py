import dataclasses

import torch

from anatomy_frames import level_frames
from anybone.synthetic.contrast import BatchRng, physics
from anybone.synthetic.scanner.atlas import Atlas
from anybone.synthetic.scanner.fields import Space, fat_left, sensitivity, warp_vx, waves
from painted_limb import limb_map

SHAPE = (8, 40, 40)
EVERY = slice(None)
CPU = torch.device("cpu")


def limb_atlas():
    return Atlas.of([limb_map((60, 60, 60), 2.0)])


def test_slices_lie_where_they_are_in_their_block():
    thick = Space.of(level_frames(1, pixel=1.0, pitch=10.0), (9, 40, 40))
    assert thick.extent_mm.tolist() == [[40, 40, 90]]
    torch.testing.assert_close(thick.depth[0], (torch.arange(9) + 0.5) / 9)
    flat = Space.of(level_frames(1, pixel=1.0, pitch=1.0), (3, 40, 40))
    assert flat.extent_mm[0, 2] == 20  # three slices close together see nearly the same
    torch.testing.assert_close(flat.depth[0], torch.tensor([0.45, 0.5, 0.55]))


def test_waves_are_smooth_and_of_deviation_about_one():
    space = Space.of(level_frames(300, pixel=4.0), SHAPE)
    field = waves(space.controls_mm(), (60, 250), BatchRng(0))
    assert 0.8 < field.std() < 1.2
    steps = (field[..., 1:] - field[..., :-1]).abs().mean()
    assert steps < 0.5


def test_sensitivity_is_positive_uneven_and_one_on_average():
    frames = level_frames(64, pixel=3.0, center=(29.5, 29.5, 29.5), voxel_mm=2.0)
    space, atlas = Space.of(frames, SHAPE), limb_atlas()
    whole = dataclasses.replace(atlas, cut=torch.zeros_like(atlas.cut))
    control = sensitivity(space, frames, whole, BatchRng(0))
    assert (control > 0).all()
    inside = space.spread(control[:, None], torch.arange(64), EVERY, CPU)[:, 0]
    assert 0.8 < inside.mean() < 1.2
    falloff = inside.amax(dim=(1, 2, 3)) / inside.amin(dim=(1, 2, 3))
    assert (falloff > 4).float().mean() > 0.2  # surface coils
    assert (falloff < 2).float().mean() > 0.1  # volume coils


def test_the_image_fades_only_where_the_map_cuts_the_body():
    """The limb is cut at its ends: a coronal frame fades above and below, not to the sides."""
    frames = level_frames(200, pixel=5.0, center=(29.5, 29.5, 29.5), plane="coronal", voxel_mm=2.0)
    atlas, shape = limb_atlas(), (1, 40, 40)
    space = Space.of(frames, shape)
    control = sensitivity(space, frames, atlas, BatchRng(0))[:, None]
    inside = space.spread(control, torch.arange(200), EVERY, CPU)[:, 0, 0].median(dim=0).values
    assert inside[0].mean() < 0.2 * inside[20].mean()
    assert inside[-1].mean() < 0.2 * inside[20].mean()
    assert inside[20, 0] > 0.4 * inside[20, 20]


def test_fat_comes_back_in_places_where_suppression_is_spectral():
    names = ["pd-fs"] * 100 + ["t1"] * 10 + ["stir"] * 10
    contrast, frames = physics(names, BatchRng(0)), level_frames(120, pixel=4.0)
    left = fat_left(Space.of(frames, SHAPE), contrast, BatchRng(1))
    assert (left >= contrast.fat_left[:, None, None, None] - 1e-6).all()
    assert (left <= 1 + 1e-6).all()
    assert (left[100:] == 1).all()
    failing = (left[:100] > 0.5).float().mean(dim=(1, 2, 3))
    assert (failing > 0.02).float().mean() > 0.2
    assert (failing < 0.02).float().mean() > 0.2


def test_warps_move_by_about_what_they_are_asked_to():
    space = Space.of(level_frames(200, pixel=3.0), SHAPE)
    moved = warp_vx(space, torch.full((200,), 0.5), (2.0, 2.0), BatchRng(0))
    assert moved.shape[:2] == (200, 3)
    assert 3.2 < moved.std() < 4.8  # 2 mm are 4 voxels of half a millimeter

import torch

from anybone.synthetic.contrast import BatchRng
from anybone.synthetic.scanner.aim import Aim, draw_frames
from anybone.synthetic.scanner.atlas import Atlas
from painted_limb import limb_map

SHAPE = (1, 256, 256)


def drawn(count=400, **aim):
    atlas = Atlas.of([limb_map((60, 60, 50), 2.0)])
    return draw_frames(atlas, torch.zeros(count, dtype=torch.long), SHAPE, Aim(**aim), BatchRng(0)), atlas


def test_steps_are_as_long_as_pixels_and_slices_and_stand_at_right_angles():
    frames, atlas = drawn(stretch=0.0)
    for step, length in zip((frames.right_vx, frames.down_vx, frames.through_vx), frames.spacing_mm.T, strict=True):
        torch.testing.assert_close(step.norm(dim=1) * atlas.spacing_mm[0], length)
    assert (frames.right_vx * frames.down_vx).sum(dim=1).abs().max() < 1e-3
    assert (frames.thickness_mm <= frames.spacing_mm[:, 2] + 1e-6).all()
    assert (frames.thickness_mm >= 0.7 - 1e-6).all()
    assert (frames.thickness_mm <= 6 + 1e-6).all()


def test_all_planes_come_about_as_often_as_asked():
    frames, _ = drawn(planes={"axial": 3.0, "sagittal": 1.0})
    assert set(frames.planes) == {"axial", "sagittal"}
    assert 0.65 < frames.planes.count("axial") / 400 < 0.85


def test_planes_are_oblique_by_a_few_degrees():
    frames, _ = drawn(planes={"axial": 1.0}, any_tilt=0.0)
    normal = frames.through_vx / frames.through_vx.norm(dim=1, keepdim=True)
    degrees = torch.rad2deg(torch.acos(normal[:, 2].clamp(-1, 1)))
    assert 4 < degrees.median() < 14
    assert degrees.max() < 45


def test_half_of_the_frames_are_mirrored():
    frames, _ = drawn()
    steps = torch.stack([frames.right_vx, frames.down_vx, frames.through_vx], dim=1)
    assert 0.4 < (torch.linalg.det(steps) < 0).float().mean() < 0.6
    upright, _ = drawn(mirrored=0.0)
    steps = torch.stack([upright.right_vx, upright.down_vx, upright.through_vx], dim=1)
    assert (torch.linalg.det(steps) > 0).all()


def test_slices_cross_bone_unless_they_are_meant_to_miss_it():
    def crossing(off_bone):
        frames, atlas = drawn(off_bone=off_bone, planes={"sagittal": 1.0})
        normal = frames.through_vx / frames.through_vx.norm(dim=1, keepdim=True)
        away = ((atlas.places_vx[0][None] - frames.center_vx[:, None]) * normal[:, None]).sum(-1)
        return (away.abs().amin(dim=1) < 1).float().mean()

    assert crossing(0.0) == 1
    assert 0.2 < crossing(1.0) < 0.8


def test_frames_do_not_reach_far_beyond_the_ends_of_a_limb():
    """The limb is 100 mm long; rows further than 8 mm beyond its ends are not shown, columns all are."""
    frames, _ = drawn(planes={"coronal": 1.0}, tilt_deg=0.0, any_tilt=0.0, stretch=0.0, field=(1.2, 1.25))
    top, bottom, first, last = frames.shown.unbind(1)
    assert (first == -1).all()
    assert (last == 256).all()
    along = frames.center_vx[:, 2] + (top - 127.5) * frames.down_vx[:, 2]
    torch.testing.assert_close(along, torch.full((400,), 54.0), atol=0.01, rtol=0)
    along = frames.center_vx[:, 2] + (bottom - 127.5) * frames.down_vx[:, 2]
    torch.testing.assert_close(along, torch.full((400,), -4.0), atol=0.01, rtol=0)

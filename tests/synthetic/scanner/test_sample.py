import numpy as np
import pytest
import torch

from anybone.core.geometry import Geometry
from anybone.synthetic.contrast.contrast import CODES, Contrast, empty_table
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.scanner.atlas import Atlas
from anybone.synthetic.scanner.frames import PLANES, Frames, oriented, rotation
from anybone.synthetic.scanner.sample import sample
from anybone.synthetic.tissue import Tissue


def block_map(i=slice(0, 12), j=slice(0, 10), k=slice(0, 8), shape=(24, 20, 16)):
    """Fat, and a block of marrow (bone 1) in one corner; 1 mm voxels."""
    tissue, bone = np.full(shape, Tissue.FAT, dtype=np.uint8), np.zeros(shape, dtype=np.uint16)
    tissue[i, j, k], bone[i, j, k] = Tissue.YELLOW_MARROW, 1
    return LabelMap(tissue, bone, Geometry(shape, np.eye(4)), {1: "left femur"})


def plain_contrast(count=1):
    """Fat gives 1 as fat, marrow 2 as water; no texture."""
    table = empty_table(count)
    table[:, Tissue.FAT], table[:, Tissue.YELLOW_MARROW] = 1j, 2
    assert table.shape[2] == CODES
    zeros = torch.zeros(count)
    return Contrast(table, zeros + 1, zeros > 0, zeros, zeros, zeros, zeros + 1, ("plain",) * count)


def frames(plane="axial", pixel=1.0, thickness=1.0, pitch=1.0, center=(11.5, 9.5, 7.5), tilt=(0.0, 0.0, 0.0)):
    steps = oriented([plane], torch.tensor([tilt]), torch.tensor([[pixel, pixel, pitch]]), torch.ones(1))
    return Frames(
        which=torch.zeros(1, dtype=torch.long),
        center_vx=torch.tensor([center]),
        right_vx=steps[:, 0],
        down_vx=steps[:, 1],
        through_vx=steps[:, 2],
        spacing_mm=torch.tensor([[pixel, pixel, pitch]]),
        thickness_mm=torch.tensor([thickness]),
        shown=torch.tensor([[-1.0, 1e4, -1.0, 1e4]]),
        planes=(plane,),
    )


@pytest.mark.parametrize("plane", PLANES)
def test_planes_are_shown_as_radiologists_see_them(plane):
    """What lies left, at the back and toward the feet is shown right (axial, coronal, sagittal alike) and below."""
    center = {"axial": (11.5, 9.5, 3.5), "coronal": (11.5, 4.5, 7.5), "sagittal": (5.5, 9.5, 7.5)}[plane]
    made = sample(Atlas.of([block_map()]), frames(plane, center=center), plain_contrast(), (1, 12, 12), layers=1)
    y, x = np.nonzero(made.labels[0, 0].numpy())
    assert y.min() == x.min() == 6
    assert y.max() == 11


def test_the_middle_of_a_slice_reads_the_voxel_it_lies_in():
    atlas = Atlas.of([block_map()])
    made = sample(atlas, frames(center=(11.0, 9.0, 3.0)), plain_contrast(), (1, 21, 21), layers=1)
    labels = made.labels[0, 0].numpy()
    # column 10 is i = 11, the last voxel of the block; row 10 is j = 9, its last one too
    assert labels[10, 10] == 1
    assert labels[10, 9] == 0
    assert labels[9, 10] == 0
    assert labels[20, 20] == 1


def test_a_slice_half_in_bone_gives_half_the_signal_of_each():
    """The block ends between k = 7 and k = 8; a slice of 8 mm centered there holds 4 mm of each."""
    contrast, atlas = plain_contrast(), Atlas.of([block_map(i=slice(0, 24), j=slice(0, 20))])
    half = sample(atlas, frames(thickness=8.0, center=(11.5, 9.5, 7.5)), contrast, (1, 16, 16), layers=9)
    assert half.signal.real.mean().item() == pytest.approx(1, abs=0.03)
    assert half.signal.imag.mean().item() == pytest.approx(0.5, abs=0.015)
    assert half.share.mean().item() == pytest.approx(0.5, abs=0.015)
    less = sample(atlas, frames(thickness=8.0, center=(11.5, 9.5, 8.5)), contrast, (1, 16, 16), layers=9)
    assert less.share.mean().item() == pytest.approx(3 / 8, abs=0.015)
    assert (less.labels == 0).all()
    assert (less.bone == 1).all()
    more = sample(atlas, frames(thickness=8.0, center=(11.5, 9.5, 6.5)), contrast, (1, 16, 16), layers=9)
    assert (more.labels == 1).all()


def test_edges_in_the_plane_are_shared_too():
    """A pixel of 6 mm whose middle is the edge of the block is half in it."""
    atlas = Atlas.of([block_map(j=slice(0, 20), k=slice(0, 16))])
    made = sample(atlas, frames(pixel=6.0, center=(11.5, 9.5, 7.5)), plain_contrast(), (1, 1, 1), layers=32)
    assert made.share.item() == pytest.approx(0.5, abs=0.05)


def test_beyond_its_faces_a_map_goes_on_as_it_ends():
    made = sample(Atlas.of([block_map()]), frames(center=(5.0, 5.0, -30.0)), plain_contrast(), (1, 4, 4), layers=2)
    assert (made.labels == 1).all()


def test_maps_of_one_atlas_are_read_each_at_its_place():
    first, second = block_map(), block_map(i=slice(12, 24), shape=(24, 22, 18))
    two = frames()[torch.tensor([0, 0])]
    two = Frames(
        **{**vars(two), "which": torch.tensor([1, 0]), "center_vx": torch.tensor([[18.0, 5, 4], [18.0, 5, 4]])}
    )
    made = sample(Atlas.of([first, second]), two, plain_contrast(2), (2, 4, 4), layers=1)
    assert (made.labels[0] == 1).all()
    assert (made.labels[1] == 0).all()


def test_a_warp_moves_tissue_by_its_voxels():
    atlas, at = Atlas.of([block_map()]), frames(center=(15.0, 5.0, 4.0))
    still = sample(atlas, at, plain_contrast(), (1, 3, 3), layers=1)
    moved = sample(
        atlas, at, plain_contrast(), (1, 3, 3), layers=1,
        warp=lambda which, part: torch.tensor([-6.0, 0, 0]).view(1, 3, 1, 1, 1).expand(len(which), 3, 1, 3, 3),
    )  # fmt: skip
    assert (still.labels == 0).all()
    assert (moved.labels == 1).all()


def test_pieces_make_one_whole():
    """A stack larger than a piece is the same as its slices one by one."""
    atlas, contrast = Atlas.of([block_map()]), plain_contrast()
    stack = sample(atlas, frames(pixel=0.05, pitch=2.0), contrast, (3, 300, 300), layers=3)
    for number in range(3):
        one = frames(pixel=0.05, pitch=2.0, center=(11.5, 9.5, 7.5 + 2.0 * (number - 1)))
        single = sample(atlas, one, contrast, (1, 300, 300), layers=3)
        assert torch.equal(single.signal[0, 0], stack.signal[0, number])


def test_rotations_turn_about_their_axis():
    quarter, turned = rotation(torch.tensor([[0.0, 0.0, np.pi / 2], [0.3, -0.2, 0.5]]))
    torch.testing.assert_close(quarter @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(turned @ turned.T, torch.eye(3), atol=1e-6, rtol=0)
    assert torch.linalg.det(turned) == pytest.approx(1)


def test_planes_are_right_handed():
    for right, down, through in PLANES.values():
        assert np.array_equal(np.cross(right, down), through)


def marrow_profile(other_bone):
    """Signal along i of a bone of yellow marrow (2) beside red marrow (0) of the same bone or of another one."""
    made = block_map(i=slice(0, 24), j=slice(0, 20), k=slice(0, 16))
    tissue, bone = made.tissue.copy(), made.bone.copy()
    tissue[12:], bone[12:] = Tissue.RED_MARROW, 2 if other_bone else 1
    atlas = Atlas.of([LabelMap(tissue, bone, made.geometry, {1: "left femur", 2: "left tibia"})])
    read = sample(atlas, frames(), plain_contrast(), (1, 1, 24), layers=5)
    return read.signal.real[0, 0, 0].flip(0)  # columns run to the left


def test_kinds_of_marrow_blend_within_a_bone_and_not_across_a_joint():
    same, across = marrow_profile(other_bone=False), marrow_profile(other_bone=True)
    partly = (same > 0.1) & (same < 1.9)
    assert partly.sum() >= 3
    assert (same.diff() <= 1e-5).all()
    assert not partly[[6, 17]].any()
    assert ((across > 0.1) & (across < 1.9)).sum() <= 2

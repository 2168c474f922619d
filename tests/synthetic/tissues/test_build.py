from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from anybone.core.geometry import Geometry
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.pose import pose
from anybone.synthetic.scanner import scan
from anybone.synthetic.scene import Scene
from anybone.synthetic.tissue import MARROW, Tissue
from anybone.synthetic.tissues import build
from anybone.synthetic.tissues.field import Field
from anybone.synthetic.tissues.joints import fill_joints

pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")

SPACING_MM = 1.8  # coarse: what is tested is where tissues lie, not how fine they are
IN_BONE = {
    Tissue.CORTEX, *MARROW, Tissue.PHYSIS_SCAR, Tissue.GROWTH_CARTILAGE, Tissue.EDEMA, Tissue.LESION, Tissue.METAL,
    Tissue.FLUID,  # of fractures
}  # fmt: skip


def made(region: str, seed: int = 1, spacing_mm: float = SPACING_MM) -> LabelMap:
    rng = np.random.default_rng(seed)
    return build(pose(region, rng), spacing_mm, rng, seed)


@pytest.fixture(scope="module")
def knee() -> LabelMap:
    return made("knee", 3, 1.3)  # cartilage is thin


@pytest.fixture(scope="module")
def spine() -> LabelMap:
    return made("lumbar-spine")


def test_bone_is_made_of_what_bone_is_made_of(knee):
    assert set(np.unique(knee.tissue[knee.bone > 0])) <= IN_BONE
    assert not np.isin(knee.tissue[knee.bone == 0], [Tissue.CORTEX, *MARROW]).any()
    assert {"femur", "tibia", "fibula", "patella"} <= {name.split()[-1] for name in knee.names.values()}


def test_marrow_lies_within_cortex(knee):
    marrow = np.isin(knee.tissue, MARROW)
    shell = ndimage.binary_dilation(marrow) & ~marrow
    interior = shell[1:-1, 1:-1, 1:-1]  # the field of view cuts bones open
    around = knee.tissue[1:-1, 1:-1, 1:-1][interior]
    assert np.isin(around, list(IN_BONE)).mean() > 0.99


def test_a_knee_has_what_knees_have(knee):
    share = np.bincount(knee.tissue.ravel(), minlength=len(Tissue)) / (knee.tissue > 0).sum()
    for kind, least in (
        (Tissue.MUSCLE, 0.1), (Tissue.FAT, 0.1), (Tissue.SKIN, 0.01), (Tissue.YELLOW_MARROW, 0.05),
        (Tissue.CARTILAGE, 0.001), (Tissue.TENDON, 0.0005), (Tissue.VESSEL, 0.0003),
    ):  # fmt: skip
        assert share[kind] > least, kind.name
    assert share[Tissue.CSF] == 0


def test_before_a_knee_lie_the_ligament_of_the_patella_and_a_pad_of_fat(knee):
    patella = np.argwhere(knee.bone == next(n for n, name in knee.names.items() if "patella" in name))
    tip = patella[patella[:, 2] == patella[:, 2].min()].mean(axis=0).round().astype(int)
    box = knee.tissue[tip[0] - 4 : tip[0] + 5, tip[1] - 20 : tip[1] + 12, tip[2] - 16 : tip[2]]
    assert (box == Tissue.TENDON).sum() > 100
    assert (box == Tissue.FAT).sum() > 5 * (box == Tissue.MUSCLE).sum()


def test_air_is_outside_skin(knee):
    air = knee.tissue == Tissue.AIR
    beside = ndimage.binary_dilation(air) & ~air
    assert (knee.tissue[beside] == Tissue.SKIN).mean() > 0.9


def test_a_spine_has_canal_and_discs_between_its_bones(spine):
    counts = np.bincount(spine.tissue.ravel(), minlength=len(Tissue))
    assert counts[Tissue.CSF] * SPACING_MM**3 > 10_000  # mm3
    assert counts[Tissue.DISC_ANNULUS] * SPACING_MM**3 > 20_000
    assert not (spine.bone[np.isin(spine.tissue, [Tissue.CSF, Tissue.CORD, Tissue.DISC_ANNULUS])]).any()


def test_a_pelvis_is_full_between_its_bones():
    pelvis = made("pelvis")
    hips = np.isin(pelvis.bone, [n for n, name in pelvis.names.items() if "hip bone" in name])
    level = int(np.argwhere(hips)[:, 2].mean())
    across, along = np.nonzero(hips[:, :, level])
    between = pelvis.tissue[across.min() : across.max(), int(along.mean()), level]
    assert not (between == Tissue.AIR).any()
    assert np.isin(pelvis.tissue, [Tissue.BOWEL, Tissue.ORGAN]).sum() * SPACING_MM**3 > 50_000  # mm3


def test_there_is_a_belly_before_the_spine_and_lungs_within_the_ribs(spine):
    front = np.argwhere(spine.bone > 0)[:, 1].max()
    assert (spine.tissue[:, front:] != Tissue.AIR).mean() > 0.5
    chest = made("chest")
    lungs = np.argwhere(chest.tissue == Tissue.LUNG)
    ribs = np.argwhere(np.isin(chest.bone, [n for n, name in chest.names.items() if "rib" in name]))
    assert len(lungs) * SPACING_MM**3 > 500_000  # mm3
    assert lungs[:, 0].min() >= ribs[:, 0].min()
    assert lungs[:, 0].max() <= ribs[:, 0].max()
    blood, _ = ndimage.label(chest.tissue == Tissue.VESSEL)
    largest = blood == 1 + np.argmax(np.bincount(blood.ravel())[1:])
    assert largest.sum() * SPACING_MM**3 > 40_000  # a chamber of the heart
    i, j, k = np.argwhere(largest).mean(axis=0).round().astype(int)
    beside = chest.tissue[:, j, k] == Tissue.LUNG
    assert beside[:i].any()  # between lungs
    assert beside[i:].any()


def test_a_head_holds_brain_and_a_neck_an_airway_before_its_vertebrae():
    neck = made("neck")
    vertebrae = np.isin(neck.bone, [n for n, name in neck.names.items() if "vertebra" in name])
    brain = np.argwhere(neck.tissue == Tissue.BRAIN)
    skull = np.argwhere(neck.bone == next(n for n, name in neck.names.items() if name == "skull"))
    assert len(brain) * SPACING_MM**3 > 50_000  # mm3
    assert (brain.min(axis=0) >= skull.min(axis=0))[:2].all()
    assert (brain.max(axis=0) <= skull.max(axis=0)).all()
    slices = np.unique(np.argwhere(vertebrae)[:, 2])
    for k in slices[len(slices) // 4 : 3 * len(slices) // 4]:
        air = neck.tissue[:, :, k] == Tissue.AIR
        airway = air & ndimage.binary_fill_holes(~air)
        i, j = np.argwhere(vertebrae[:, :, k]).mean(axis=0).round().astype(int)
        assert airway[i - 8 : i + 9, j:].any()
    assert not (neck.tissue == Tissue.BOWEL).any()


def test_tendons_at_a_wrist_lie_in_fat_and_not_in_muscle():
    wrist = made("wrist")
    tendon = wrist.tissue == Tissue.TENDON
    beside = ndimage.binary_dilation(tendon, iterations=2) & ~tendon & (wrist.bone == 0)
    level = int(np.argwhere(wrist.bone == next(n for n, m in wrist.names.items() if "lunate" in m))[:, 2].mean())
    near = slice(level - 8, level + 8)
    kinds = wrist.tissue[:, :, near][beside[:, :, near]]
    assert len(kinds) > 100
    assert (kinds == Tissue.MUSCLE).mean() < 0.25


def test_discs_are_as_broad_as_the_bodies_beside_them():
    neck = made("neck")
    disc = np.isin(neck.tissue, [Tissue.DISC_ANNULUS, Tissue.DISC_NUCLEUS])
    levels = np.unique(np.argwhere(disc)[:, 2])
    broad_mm = np.ptp(np.argwhere(disc)[:, 0]) * SPACING_MM
    assert len(levels) * SPACING_MM > 50
    assert broad_mm < 45  # the neck's sway, and one disc
    for k in levels:
        assert np.ptp(np.flatnonzero(disc[:, :, k].any(axis=1))) * SPACING_MM < 36
    atlas = neck.bone == next(n for n, name in neck.names.items() if name == "C1 vertebra")
    assert not (ndimage.binary_dilation(atlas) & disc).any()


def test_discs_wear_one_by_one():
    worn = made("lumbar-spine", 3)
    nucleus = np.unique(np.argwhere(worn.tissue == Tissue.DISC_NUCLEUS)[:, 2])
    annulus = np.unique(np.argwhere(worn.tissue == Tissue.DISC_ANNULUS)[:, 2])
    assert 0 < len(nucleus) < 0.8 * len(annulus)


def test_the_seed_decides(spine):
    assert made("lumbar-spine").sha256 == spine.sha256
    assert made("lumbar-spine", seed=2).sha256 != spine.sha256


def test_the_last_digits_of_sums_do_not_decide():
    scene = pose("wrist", np.random.default_rng(1))
    beside = replace(scene, center_mm=scene.center_mm + 1e-10)
    first, second = (build(each, SPACING_MM, np.random.default_rng(1)).sha256 for each in (scene, beside))
    assert first == second


def test_contrast_is_that_of_the_sequence(knee):
    marrow, cortex = {}, {}
    for sequence in ("t1", "pd", "pd-fs"):
        volume, _ = scan(knee, sequence, "sagittal", seed=4)
        voxels = np.indices(volume.data.shape).reshape(3, -1).T[::7]
        at = knee.geometry.to_voxel(volume.geometry.to_world(voxels)).round().astype(int)
        inside = ((at >= 0) & (at < knee.tissue.shape)).all(axis=1)
        signal, tissue = volume.data[tuple(voxels[inside].T)], knee.tissue[tuple(at[inside].T)]
        muscle = signal[tissue == Tissue.MUSCLE].mean()
        marrow[sequence] = signal[tissue == Tissue.YELLOW_MARROW].mean() / muscle
        cortex[sequence] = signal[tissue == Tissue.CORTEX].mean() / muscle
    assert marrow["t1"] > 1.3 * cortex["t1"]  # marrow is brighter than cortex
    assert marrow["pd-fs"] < 0.6 * marrow["pd"]  # and darker where fat is suppressed


def test_the_young_have_growth_plates_across_the_whole_bone(monkeypatch):
    from anybone.synthetic.tissues import bones

    monkeypatch.setattr(bones, "YOUNG_SHARE", 1.0)
    young = made("knee")
    plate = (young.tissue == Tissue.GROWTH_CARTILAGE) & (young.bone > 0)
    assert plate.any()
    assert not (young.tissue == Tissue.PHYSIS_SCAR).any()
    femur = next(number for number, name in young.names.items() if "femur" in name)
    heights = np.argwhere(plate & (young.bone == femur))[:, 2]
    assert np.ptp(heights) * SPACING_MM < 25
    level = int(np.median(heights))
    crossed = (plate & (young.bone == femur)).any(axis=2)
    assert crossed[young.bone[:, :, level] == femur].mean() > 0.8


def test_a_fracture_breaks_one_bone(monkeypatch):
    from anybone.synthetic.tissues import pathology

    for name in ("EDEMA", "LESION", "MASS", "METAL"):
        monkeypatch.setattr(pathology, f"{name}_SHARE", 0.0)
    monkeypatch.setattr(pathology, "FRACTURE_SHARE", 1.0)
    broken = made("knee")
    gap = (broken.tissue == Tissue.FLUID) & (broken.bone > 0)
    bruised = (broken.tissue == Tissue.EDEMA) & (broken.bone > 0)
    assert len(np.unique(broken.bone[gap])) == 1
    assert np.array_equal(np.unique(broken.bone[bruised]), np.unique(broken.bone[gap]))
    assert bruised.sum() > gap.sum()


def test_a_bone_alone_has_no_joint():
    bone = np.zeros((24, 24, 24), dtype=np.uint16)
    bone[9:15, 9:15] = 1
    field = Field(Geometry(bone.shape, np.eye(4)), bone, {1: "left femur"}, np.random.default_rng(0))
    tissue = np.where(bone, Tissue.YELLOW_MARROW, Tissue.MUSCLE).astype(np.uint8)
    before = tissue.copy()
    fill_joints(field, Scene({}, {}, np.zeros(3), np.full(3, 24.0), "thigh", "left", ()), tissue)
    assert np.array_equal(tissue, before)

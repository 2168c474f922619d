from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from anybone.core.prompts import Box, Point
from anybone.inference.classical.methods import BASELINES, ClassicalBaseline
from anybone.inference.segmenter import Segmenter
from anybone.metrics import dice
from anybone.models.image_normalization import to_network
from limb_phantom import limb_phantom

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "limb_t1"


@pytest.fixture(scope="module")
def limb():
    return limb_phantom(0, (128, 128, 6))


def disc(size: int, center: tuple[float, float], radius: float) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(float(size)), torch.arange(float(size)), indexing="ij")
    return torch.hypot(rows - center[0], columns - center[1]) < radius


def image(size: int = 1024) -> torch.Tensor:
    """Two bones in muscle, at (x, y) = (400, 450) and (650, 600)."""
    gray = torch.where(disc(size, (512, 512), 450), 0.35, 0.0)
    for center in ((450, 400), (600, 650)):
        gray[disc(size, center, 80)] = 0.02
        gray[disc(size, center, 60)] = 0.8
    return to_network(gray[None])


def test_the_embedding_is_the_gray_image_again():
    gray = torch.rand(2, 64, 96)
    embedding = ClassicalBaseline().encode(to_network(gray))
    assert embedding.shape == (2, 1, 16, 24)
    assert torch.allclose(embedding[:, 0], torch.nn.functional.avg_pool2d(gray, 4), atol=1e-5)


def test_verbs_without_a_volume_change_nothing():
    network = ClassicalBaseline()
    embedding = network.encode(image())
    assert not network.uses_volume
    assert bool((network.attend(torch.zeros(1, 1, 64, 64, 64)) == 1).all())
    assert network.fuse(embedding, torch.zeros(1, 64, 64)) is embedding


def test_logits_have_the_networks_layout_and_sign():
    logits, quality = ClassicalBaseline().decode(ClassicalBaseline().encode(image().repeat(2, 1, 1, 1)))
    assert logits.shape == (2, 2, 256, 256)
    assert quality.shape == (2, 2)
    assert logits[0, 1, 450 // 4, 400 // 4] > 0 > logits[0, 1, 450 // 4, 520 // 4]
    assert torch.equal(logits[:, 0], -logits[:, 1])
    assert bool((quality > 0.3).all())


def test_prompts_choose_in_pixels_of_the_frame():
    network, embedding = ClassicalBaseline(), ClassicalBaseline().encode(image())
    first, second = (450 // 4, 400 // 4), (600 // 4, 650 // 4)

    def found(**prompts: torch.Tensor) -> tuple[bool, bool]:
        bone = network.decode(embedding, **prompts)[0][0, 1] > 0
        return bool(bone[first]), bool(bone[second])

    one = torch.tensor([[[400.0, 450.0]]])
    assert found() == (True, True)
    assert found(points_xy=one, point_labels=torch.tensor([[1]])) == (True, False)
    assert found(points_xy=one, point_labels=torch.tensor([[0]])) == (False, True)
    assert found(points_xy=one, point_labels=torch.tensor([[-1]])) == (True, True)
    assert found(boxes_xyxy=torch.tensor([[560.0, 510, 740, 690]])) == (False, True)
    hint = torch.where(disc(256, first, 18), 5.0, -5.0)[None, None]
    assert found(mask_logits=hint) == (True, False)


def test_the_nine_steps_find_the_bones_of_a_limb(limb):
    volume, truth = limb
    bones = Segmenter(ClassicalBaseline(), name="classical").segment(volume)
    assert dice(bones.mask, truth.mask, truth.geometry.spacing_mm) > 0.85
    assert 0 < bones.scores[1] <= 1


def test_a_session_with_a_click_and_a_box_keeps_one_bone(limb):
    volume, truth = limb
    tibia = truth.labels == 1
    k = 2
    inside = np.argwhere(tibia[..., k])
    middle = inside.mean(axis=0)
    session = Segmenter(ClassicalBaseline(), name="classical").session(volume)
    session.add(Point((float(middle[0]), float(middle[1]), float(k))))
    spacing = truth.geometry.spacing_mm
    clicked = session.slice_mask(k)
    assert dice(clicked, tibia[..., k], spacing[:2]) > 0.85
    session.undo()
    session.add(Box((*inside.min(axis=0), k), (*inside.max(axis=0), k)))
    assert dice(session.slice_mask(k), tibia[..., k], spacing[:2]) > 0.85


def test_a_slice_takes_little_time():
    network, embedding = ClassicalBaseline(), ClassicalBaseline().encode(image())
    network.decode(embedding)
    start = time.perf_counter()
    network.decode(embedding)
    assert time.perf_counter() - start < 0.5  # 0.05 s on a free core


def test_every_baseline_can_be_made():
    assert {name: make().image_size % 32 for name, make in BASELINES.items()} == {"classical": 0}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the shared limb images are not beside the checkout")
@pytest.mark.parametrize(("patient", "floor"), [("028", 0.7), ("039", 0.5)])
def test_real_shafts_of_validation_patients(patient, floor):
    import nibabel as nib

    from anybone.core.geometry import Geometry
    from anybone.core.volume import Volume

    trusted = json.loads((SHARED / "trusted_slices.json").read_text())[patient]["trusted_slices"][:8]
    scan, bone = (nib.load(SHARED / f"{patient}_{kind}.nii.gz") for kind in ("t1", "bone"))
    part = slice(trusted[0], trusted[-1] + 1)
    data = np.asarray(scan.dataobj, dtype=np.float32)[..., part]
    geometry = Geometry(data.shape, scan.affine)
    bones = Segmenter(ClassicalBaseline(), name="classical").segment(Volume(data, geometry))
    truth = np.asarray(bone.dataobj)[..., part] > 0
    kept = [k - trusted[0] for k in trusted]
    assert dice(bones.mask[..., kept], truth[..., kept], geometry.spacing_mm) > floor

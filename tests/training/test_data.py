from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

import anybone
from anybone.core.errors import InputError, NothingFoundError
from anybone.inference.options import SegmentOptions
from anybone.inference.preprocessing import normalize, render
from anybone.inference.slicing import cut
from anybone.models.image_normalization import to_network
from anybone.training.cache import FRAME, IGNORE
from anybone.training.data import cached, prepare
from anybone.training.public_sets import VALIDATION, without_sacrum


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "cases"
    spine = folder / "spine_t2" / "001"
    spine.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for k in ("010", "011"):
        labels = np.zeros((80, 64), np.uint8)
        labels[10:20, 20:40] = 1
        labels[30:40, 20:40] = 1
        labels[21:29, 20:40] = 2  # a disc is no bone
        Image.fromarray(rng.integers(0, 255, (80, 64), dtype=np.uint8)).save(spine / f"{k}.png")
        Image.fromarray(labels).save(spine / f"{k}_labels.png")
    limb = folder / "limb_t1"
    limb.mkdir()
    bone = np.zeros((40, 20, 5), np.uint8)
    bone[10:20, 5:15] = 1
    bone[30, 10] = 1  # a speck
    to_left_back_head = np.diag([-1.0, -2.0, 3.0, 1.0])
    nib.Nifti1Image(rng.random((40, 20, 5)).astype(np.float32), to_left_back_head).to_filename(limb / "009_t1.nii.gz")
    nib.Nifti1Image(bone, to_left_back_head).to_filename(limb / "009_bone.nii.gz")
    (limb / "trusted_slices.json").write_text(json.dumps({"009": {"trusted_slices": [1, 2], "slices": 5}}))
    return folder


def test_cases_become_slices(folder):
    cache = prepare([folder])
    assert cache.patients == ["spine/001"] * 2 + ["limb/009"] * 9  # two trusted slices, two cuts and five
    assert cache.images.shape == cache.bones.shape == (11, FRAME, FRAME)


def test_cuts_know_what_the_trusted_slices_know(folder):
    bones = prepare([folder]).bones[4]  # 5 slices of 3 mm, the head's first, by 20 voxels of 2 mm: 192 of 512 rows
    rows = [int(bones[round(FRAME * 3 * (k + 0.5) / 40), FRAME // 2]) for k in range(5)]
    assert rows == [IGNORE, IGNORE, 1, 1, IGNORE]


def test_slices_lie_as_the_engine_shows_them(folder):
    image = prepare([folder]).images[2]  # 40 columns of 1 mm from right to left, 20 rows of 2 mm from front to back
    volume = anybone.read(folder / "limb_t1" / "009_t1.nii.gz")
    frames = cut(volume.geometry, 2, FRAME, SegmentOptions(axis=2))
    seen = render(normalize(volume.data), frames[1], SegmentOptions(smoothing_mm=0.0))
    assert torch.allclose(to_network(image[None].float() / 255), seen, atol=0.02)


def test_what_is_not_known_is_ignored(folder):
    bones = prepare([folder]).bones
    scale = FRAME / 80
    assert (bones[0, int(41 * scale) :, : int(63 * scale)] == IGNORE).all()  # below the lowest vertebra
    assert sorted(torch.unique(bones[0]).tolist()) == [0, 1, 2, IGNORE]
    assert sorted(torch.unique(bones[2]).tolist()) == [0, 1, IGNORE]  # the speck


def test_an_oblique_sacrum_is_not_taught_as_background():
    labels = np.zeros((200, 8), np.uint8)
    labels[100:120, :4] = 1
    labels[130:150, 4:] = 1  # the last vertebra reaches down to row 149
    labels[121:125, 2] = 2  # a disc is known
    bone = without_sacrum(labels)
    assert (bone[120:121, :4] == IGNORE).all()
    assert (bone[121:125, 2] == 0).all()
    assert (bone[150:] == IGNORE).all()
    assert (bone[:100, :4] == 0).all()


def test_pixels_are_square_in_mm(folder):
    bones = prepare([folder]).bones  # 40 x 20 voxels of 1 x 2 mm fill the square frame
    columns, rows = (bones[2] == 1).nonzero().unbind(1)  # rows of the picture run along j
    assert (rows.min(), rows.max() + 1) == (FRAME // 4, FRAME // 2)
    assert (columns.min(), columns.max() + 1) == (FRAME // 4, 3 * FRAME // 4)


def test_a_cache_is_reused_for_the_same_cases_only(folder, tmp_path, monkeypatch):
    made = cached([folder], tmp_path / "run" / "cache.safetensors")
    monkeypatch.setattr("anybone.training.data.prepare", lambda cases: pytest.fail("read again"))
    moved = folder.rename(tmp_path / "moved")
    again = cached([moved], tmp_path / "run" / "cache.safetensors")
    assert torch.equal(again.images, made.images)
    labels = moved / "spine_t2" / "001" / "010_labels.png"
    Image.fromarray(np.zeros((80, 64), np.uint8)).save(labels)
    with pytest.raises(InputError, match="other cases"):
        cached([moved], tmp_path / "run" / "cache.safetensors")


def test_an_empty_folder_says_what_was_expected(tmp_path):
    with pytest.raises(NothingFoundError, match="images and masks"):
        prepare([tmp_path])


@pytest.mark.shared
def test_suggested_validation_patients_exist(shared):
    for patient in VALIDATION:
        region, number = patient.split("/")
        found = shared / "data" / ("spine_t2" if region == "spine" else "limb_t1")
        assert list(found.glob(f"{number}*"))

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import Result

import anybone
from anybone.models import checkpoint
from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig, TinyVitConfig
from limb_phantom import limb_phantom

Run = Callable[..., Result]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    vit = TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), windows=(7, 4, 4, 4), classes=0)
    sizes = {"embed_dim": 32, "decoder_heads": 4, "decoder_mlp_dim": 32, "depth_attention": None}
    config = ModelConfig(image_size=64, tiny_vit=vit, detail_channels=4, **sizes)
    made = checkpoint.Checkpoint(config, BoneSam(config).state_dict(), "MIT", "random", "tiny")
    return checkpoint.save(made, tmp_path / "tiny.safetensors").path


@pytest.fixture
def cases() -> None:
    for number in range(2):
        volume, truth = limb_phantom(number, (64, 64, 4), region="thigh")
        anybone.write(volume, f"images/{number}.nii.gz")
        anybone.write(truth, f"masks/{number}_bones.nii.gz")


def test_new_weights_come_out(run: Run, weights: Path, cases: None) -> None:
    words = ("finetune", "--images", "images", "--masks", "masks", "-o", "mine.safetensors", "--weights", weights)
    result = run(*words, "--steps", "3")
    assert result.exit_code == 0, result.stderr
    header = checkpoint.verify(Path("mine.safetensors"))
    assert (header.name, header.license) == ("mine", "MIT")
    assert "2 cases" in header.origin
    assert header.base is not None
    assert (header.base.name, header.base.sha256) == ("tiny", checkpoint.read_header(weights).sha256)
    assert header.path.stat().st_size < weights.stat().st_size / 2
    old, new = checkpoint.load(weights).weights, checkpoint.load(header.path).weights
    assert all(torch.equal(old[key], new[key]) for key in old if key.startswith("encoder."))
    assert any(not torch.equal(old[key], new[key]) for key in old)
    assert run(*words).exit_code == 2  # the weights exist already
    assert run("segment", "images/0.nii.gz", "--weights", "mine.safetensors").exit_code in (0, 4, 5)
    assert "base" in run("weights", "info", "mine.safetensors").stdout
    assert run("weights", "add", "mine.safetensors").exit_code == 0  # as whole weights
    assert checkpoint.read_header(Path("home/weights/mine.safetensors")).base is None
    again = run(*words[:6], "again.safetensors", "--weights", "mine.safetensors", "--steps", "2")
    assert again.exit_code == 0, again.stderr
    assert checkpoint.read_header(Path("again.safetensors")).base == header.base


def test_bones_get_their_names(run: Run, weights: Path) -> None:
    for number in (2, 3):
        volume, truth = limb_phantom(number, (64, 64, 4), region="leg")
        anybone.write(volume, f"images/{number}.nii.gz")
        anybone.write(truth, f"masks/{number}_bones.nii.gz")
    words = ("finetune", "--images", "images", "--masks", "masks", "-o", "mine.safetensors", "--weights", weights)
    result = run(*words, "--named", "--steps", "3")
    assert result.exit_code == 0, result.stderr
    bones = checkpoint.read_header(Path("mine.safetensors")).config.bones
    assert bones == dict(truth.names)
    assert len(bones) > 1
    found = anybone.load("mine.safetensors").segment(volume)
    assert dict(found.names) == bones
    assert "femur" not in bones.values()
    assert "tibia" in " ".join(run("weights", "info", "mine.safetensors").stdout.split())
    Path("masks/3_bones.nii.gz").unlink()
    other = anybone.Segmentation(truth.labels, truth.geometry, {label: f"bone {label}" for label in truth.names})
    anybone.write(other, "masks/3_bones.nii.gz")
    result = run(*words, "--named", "--steps", "3", "--force")
    assert result.exit_code == 3
    assert "Give each bone one label" in result.stderr


def test_too_few_cases_for_a_trial_are_taken_in_ten_steps(
    run: Run, weights: Path, cases: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anybone.cli.finetune.MOST_STEPS", 12)
    monkeypatch.setattr("anybone.training.finetune.CHANCE", 1.0)  # whatever the trial of two says
    words = ("finetune", "--images", "images", "--masks", "masks", "--weights", weights, "-o")
    two = run(*words, "two.safetensors")
    assert two.exit_code == 0, two.stderr
    assert "2 cases say too little about others: 10 steps were taken" in " ".join(two.stderr.split())
    Path("images/1.nii.gz").unlink()
    for mask in Path("masks").glob("1_bones*"):
        mask.unlink()
    one = run(*words, "one.safetensors")
    assert one.exit_code == 0, one.stderr
    assert "One case cannot be tried out on another: 10 steps were taken" in " ".join(one.stderr.split())
    assert all("in 10 steps" in checkpoint.read_header(Path(f"{n}.safetensors")).origin for n in ("one", "two"))


def test_other_weights_are_refused(run: Run, weights: Path, cases: None) -> None:
    words = ("finetune", "--images", "images", "--masks", "masks", "-o", "mine.safetensors", "--weights", weights)
    assert run(*words, "--steps", "2").exit_code == 0
    other = checkpoint.load(weights)
    checkpoint.save(replace(other, weights={k: v + 1 for k, v in other.weights.items()}), weights)
    result = run("segment", "images/0.nii.gz", "--weights", "mine.safetensors")
    assert result.exit_code == 3
    assert "holds other weights" in result.stderr


def test_a_license_never_hides_that_of_the_base(run: Run, weights: Path, cases: None) -> None:
    base = replace(checkpoint.load(weights), license="CC BY-NC 4.0")
    checkpoint.save(base, weights)
    words = ("finetune", "--images", "images", "--masks", "masks", "-o", "mine.safetensors", "--weights", weights)
    result = run(*words, "--steps", "2", "--license", "MIT")
    license = checkpoint.read_header(Path("mine.safetensors")).license
    assert license == "MIT; of tiny, which they began with: CC BY-NC 4.0"
    assert license in result.stderr


def test_faults_are_named_before_anything_is_learned(run: Run, weights: Path, cases: None) -> None:
    Path("masks/1_bones.nii.gz").write_bytes(b"nothing")
    result = run("finetune", "--images", "images", "--masks", "masks", "-o", "m.safetensors", "--weights", weights)
    assert result.exit_code == 3
    assert "masks/1_bones.nii.gz cannot be read" in result.stderr


@pytest.mark.parametrize("name", ["mine.pth", "mine"])
def test_the_new_weights_have_to_be_so_named(run: Run, cases: None, name: str) -> None:
    result = run("finetune", "--images", "images", "--masks", "masks", "-o", name)
    assert result.exit_code == 2
    assert ".safetensors" in result.stderr


def test_an_image_without_a_mask_is_named(run: Run, weights: Path, cases: None) -> None:
    geometry = anybone.Geometry((8, 8, 4), np.eye(4))
    anybone.write(anybone.Volume(np.ones((8, 8, 4), np.float32), geometry), "images/lonely.nii.gz")
    result = run("finetune", "--images", "images", "--masks", "masks", "-o", "m.safetensors", "--weights", weights)
    assert result.exit_code == 4
    assert "lonely" in result.stderr

"""A small limb on disk, a tiny network in a folder of its own, and the command line as a function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

import anybone
from anybone.cli.main import app
from anybone.models.bone_sam import BoneSam
from anybone.models.checkpoint import Checkpoint, save
from anybone.models.config import ModelConfig, TinyVitConfig
from limb_phantom import limb_phantom

CONFIG = ModelConfig(
    image_size=64,
    tiny_vit=TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0),
    embed_dim=32,
    decoder_depth=1,
    decoder_heads=4,
    decoder_mlp_dim=32,
    prompt_mask_channels=4,
    depth_attention=None,
)

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a tiny network with random weights and a license that has to be mentioned."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    checkpoint = Checkpoint(CONFIG, BoneSam(CONFIG).state_dict(), "CC BY-NC 4.0", "random numbers", "tiny")
    return save(checkpoint, path).path


@pytest.fixture(scope="session")
def limb_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A limb of five slices and its truth: label 1 tibia, label 2 fibula."""
    folder = tmp_path_factory.mktemp("limb")
    volume, truth = limb_phantom(shape_ijk=(96, 96, 5))
    anybone.write(volume, folder / "limb.nii.gz")
    anybone.write(truth, folder / "truth.nii.gz")
    return folder / "limb.nii.gz", folder / "truth.nii.gz"


@pytest.fixture
def limb(limb_files: tuple[Path, Path], tmp_path: Path) -> Path:
    """The limb, copied to where a test works."""
    path = tmp_path / "limb.nii.gz"
    path.write_bytes(limb_files[0].read_bytes())
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("ANYBONE_HOME", str(folder))
    return folder


@pytest.fixture
def run(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """RunLengths the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def call(*words: object) -> Result:
        return runner.invoke(app, [str(word) for word in words])

    return call

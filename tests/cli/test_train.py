from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import Result

from anybone.cli.train import read_config
from anybone.errors import UsageError
from anybone.model import checkpoint
from anybone.training.cache import FRAME, Cache
from anybone.training.config import TrainingConfig, small_model

Run = Callable[..., Result]

TINY = """
steps = 3
batch = 2
threads = 1
bfloat16 = false
[model]
image_size = 64
embed_dim = 32
decoder_heads = 4
decoder_mlp_dim = 32
[model.tiny_vit]
dims = [8, 8, 16, 16]
depths = [1, 1, 1, 1]
heads = [1, 1, 2, 2]
[augmentation]
zoom = [0.5, 1.0]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two patients of two slices with a square bone, in place of those in a folder."""
    images = torch.full((4, FRAME, FRAME), 90, dtype=torch.uint8)
    images[:, 100:200, 100:200] = 200
    bones = (images > 100).to(torch.uint8)
    made = Cache(images, bones, ["limb/a", "limb/a", "limb/b", "limb/b"])
    monkeypatch.setattr("anybone.training.data.prepare", lambda folder: made)


def test_weights_come_out(run: Run, cases: None, config: Path) -> None:
    result = run(
        "train", "data", "-o", "run", "--config", config, "--hold-out", "limb/b", "--name", "mine", "--licence", "MIT"
    )
    assert result.exit_code == 0, result.stderr
    header = checkpoint.verify(Path("run/mine.safetensors"))
    assert (header.name, header.licence, header.config.image_size) == ("mine", "MIT", 64)
    assert "patients: 1" in header.origin
    assert Path("run/config.json").is_file()
    checkpoint.load(header.path).build()


def test_minutes_become_steps_that_stay(run: Run, cases: None, config: Path) -> None:
    words = ("train", "data", "-o", "run", "--config", config, "--hold-out", "limb/b", "--minutes", "0.001")
    assert run(*words).exit_code == 0
    steps = json.loads(Path("run/config.json").read_text())["steps"]
    assert run(*words).exit_code == 0
    assert json.loads(Path("run/config.json").read_text())["steps"] == steps
    assert run(*words, "--steps", "3").exit_code == 2


def test_a_source_that_is_not_there_is_named(run: Run, cases: None, config: Path) -> None:
    config.write_text(config.read_text().replace("batch = 2", "batch = 2\nsources = {synthetic = 1.0}"))
    result = run("train", "data", "-o", "run", "--config", config, "--hold-out", "limb/b")
    assert result.exit_code == 2
    assert "--corpus" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [(("limb/x",), "limb/a, limb/b"), (("limb/a", "limb/b"), "none is left")],
)
def test_who_is_held_out_has_to_make_sense(
    run: Run, cases: None, config: Path, words: tuple[str, ...], told: str
) -> None:
    options = [w for word in words for w in ("--hold-out", word)]
    result = run("train", "data", "-o", "run", "--config", config, *options)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_folder_without_cases(run: Run, config: Path) -> None:
    Path("data").mkdir()
    assert run("train", "data", "-o", "run", "--config", config).exit_code == 4


def test_what_the_file_does_not_say_is_as_the_defaults(config: Path) -> None:
    settings = read_config(config)
    assert settings.steps == 3
    assert settings.learning_rate == TrainingConfig().learning_rate
    assert settings.augmentation.zoom == (0.5, 1.0)
    assert settings.model.tiny_vit.dims == (8, 8, 16, 16)
    assert settings.model.tiny_vit.classes == small_model().tiny_vit.classes
    assert settings.model.depth_attention == small_model().depth_attention
    assert read_config(None) == TrainingConfig()


@pytest.mark.parametrize("text", ["batc = 3", "[augmentation]\nzom = 1", "no toml"])
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(UsageError, match=r"c\.toml"):
        read_config(tmp_path / "c.toml")

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import Result

from anybone.models import checkpoint
from anybone.training.cache import FRAME, Cache

Run = Callable[..., Result]

TINY = """
name = "mine"
license = "MIT"
steps = 3
batch = 2
threads = 1
bfloat16 = false
[data]
cases = "data"
hold_out = ["limb/b"]
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
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two patients of two slices with a square bone, in place of those in a folder; one of its files."""
    images = torch.full((4, FRAME, FRAME), 90, dtype=torch.uint8)
    images[:, 100:200, 100:200] = 200
    bones = (images > 100).to(torch.uint8)
    made = Cache(images, bones, ["limb/a", "limb/a", "limb/b", "limb/b"])
    monkeypatch.setattr("anybone.training.data.prepare", lambda cases: made)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one").write_text("1")
    return tmp_path / "data" / "one"


def test_weights_come_out(run: Run, cases: Path, recipe: Path) -> None:
    result = run("train", recipe, "-o", "run")
    assert result.exit_code == 0, result.stderr
    header = checkpoint.verify(Path("run/mine.safetensors"))
    assert (header.name, header.license, header.config.image_size) == ("mine", "MIT", 64)
    assert "patients: 1" in header.origin
    assert Path("run/config.json").is_file()
    assert Path("run/recipe.toml").read_text() == TINY
    checkpoint.load(header.path).build()


@pytest.mark.parametrize("has", [False, True])
def test_16_bits_are_advised_against_where_they_are_slow(
    run: Run,
    cases: Path,
    recipe: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    has: bool,
) -> None:
    recipe.write_text(TINY.replace("bfloat16 = false\n", ""))
    monkeypatch.setattr("anybone.training.run.has_bfloat16", lambda device: has)
    result = run("train", recipe, "-o", "run")
    assert result.exit_code == 0, result.stderr
    assert ("bfloat16 = false" in caplog.text) is not has


def test_a_run_on_other_data_is_refused(run: Run, cases: Path, recipe: Path) -> None:
    assert run("train", recipe, "-o", "run").exit_code == 0
    cases.write_text("2")
    result = run("train", recipe, "-o", "run")
    assert result.exit_code == 3
    assert "other cases" in result.stderr


def test_minutes_become_steps_that_stay(run: Run, cases: Path, recipe: Path) -> None:
    words = ("train", recipe, "-o", "run", "--minutes", "0.001")
    assert run(*words).exit_code == 0
    steps = json.loads(Path("run/config.json").read_text())["steps"]
    assert run(*words).exit_code == 0
    assert json.loads(Path("run/config.json").read_text())["steps"] == steps
    assert run(*words, "--steps", "3").exit_code == 2


@pytest.mark.parametrize(("patients", "told"), [('"limb/x"', "limb/a, limb/b"), ('"limb/a", "limb/b"', "none is left")])
def test_who_is_held_out_has_to_make_sense(run: Run, cases: Path, recipe: Path, patients: str, told: str) -> None:
    recipe.write_text(TINY.replace('"limb/b"', patients))
    result = run("train", recipe, "-o", "run")
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_folder_without_cases(run: Run, recipe: Path) -> None:
    Path("data").mkdir()
    assert run("train", recipe, "-o", "run").exit_code == 4


def test_a_folder_in_place_of_a_recipe(run: Run) -> None:
    Path("data").mkdir()
    result = run("train", "data", "-o", "run")
    assert result.exit_code == 2
    assert 'cases = "data"' in result.stderr


def test_the_license_of_earlier_weights_stays(run: Run, cases: Path, recipe: Path) -> None:
    assert run("train", recipe, "-o", "first").exit_code == 0
    recipe.write_text('start = "first/mine.safetensors"\n' + TINY.replace('"MIT"', '"CC0"'))
    assert run("train", recipe, "-o", "second").exit_code == 0
    header = checkpoint.read_header(Path("second/mine.safetensors"))
    assert header.license == "CC0; of mine, which they began with: MIT"
    assert "began with mine" in header.origin


def test_tensorboard_is_written_where_it_is_asked_for(run: Run, cases: Path, recipe: Path) -> None:
    pytest.importorskip("tensorboard")
    assert run("train", recipe, "-o", "run", "--tensorboard").exit_code == 0
    assert list(Path("run/events").glob("events.*"))

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from anybone.cli.recipe import read_recipe
from anybone.core.errors import UsageError
from anybone.models.bone_sam import BoneSam
from anybone.training.config import TrainingConfig, small_model
from anybone.training.stages import STAGES, prepare_stage

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return tmp_path / "recipe.toml"


def test_what_the_file_does_not_say_is_as_the_defaults(recipe: Path) -> None:
    recipe.write_text('[data]\ncases = "cases"')
    found = read_recipe(recipe)
    assert found.training == TrainingConfig()
    assert found.data.cases == (recipe.parent / "cases",)
    assert (found.name, found.license) == ("trained", "not stated")


def test_what_the_file_says_is_taken(recipe: Path) -> None:
    recipe.write_text(
        'steps = 3\nstart = "a.pth"\n[data]\ncases = ["a", "b"]\n[augmentation]\nzoom = [0.5, 1]\n'
        "[model]\nimage_size = 64\n[model.tiny_vit]\ndims = [8, 8, 16, 16]"
    )
    found = read_recipe(recipe)
    assert found.training.steps == 3
    assert found.training.start == str(recipe.parent / "a.pth")
    assert found.training.augmentation.zoom == (0.5, 1)
    assert found.training.model.tiny_vit.dims == (8, 8, 16, 16)
    assert found.training.model.tiny_vit.depths == small_model().tiny_vit.depths
    assert [path.name for path in found.data.cases] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "sources"),
    [
        ('cases = "a"', {"real": 1.0}),
        ('corpus = "b"', {"synthetic": 1.0}),
        ('cases = "a"\ncorpus = "b"', {"real": 1.0, "synthetic": 1.0}),
    ],
)
def test_sources_follow_from_the_data(recipe: Path, data: str, sources: dict[str, float]) -> None:
    recipe.write_text(f"[data]\n{data}")
    assert read_recipe(recipe).training.sources == sources


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("batc = 3", "batc"),
        ("[augmentation]\nzom = 1", "zom"),
        ("[data]\ncase = 'a'", "case"),
        ("[model]\nlike = 'large'", "large"),
        ("[model]\nsize = 3", "size"),
        ("batch = 'many'", "many"),
        ("bfloat16 = 1", "bfloat16"),
        ("stage = 'all'", "all"),
        ("no toml", "cannot be read"),
        ("steps = 3", "cases ="),
        ("[data]\ncases = 'a'\n[sources]\nsynthetic = 1.0", "corpus ="),
    ],
)
def test_a_mistake_in_the_file_is_named(recipe: Path, text: str, told: str) -> None:
    recipe.write_text(text)
    with pytest.raises(UsageError, match=r"recipe\.toml|The recipe") as caught:
        read_recipe(recipe)
    assert told in str(caught.value)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_that_ships_is_whole(path: Path) -> None:
    found = read_recipe(path)
    assert found.name in path.stem
    with torch.device("meta"):
        model = BoneSam(found.training.model)
    assert prepare_stage(model, STAGES[found.training.stage])


def test_recipes_ship() -> None:
    names = {"two-cores-overnight", "gpu-half-hour", "adapters-as-published", "from-lite-medsam"}
    assert {path.stem for path in CONFIGS.glob("*.toml")} >= names

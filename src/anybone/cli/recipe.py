"""A recipe in a TOML file -> `Recipe`: what the file does not say is as the defaults have it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anybone.errors import UsageError

if TYPE_CHECKING:
    from anybone.model.config import ModelConfig
    from anybone.training.recipe import Data, Recipe

_OF_THE_RECIPE = ("name", "licence")


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file. Paths in it are relative to the file's folder.

    Raises:
        UsageError: There is no such file, it is no TOML, or a key or value cannot be meant; the message names it.
    """
    from anybone.training.config import Augmentation, TrainingConfig
    from anybone.training.recipe import Recipe

    values = _parsed(path)
    data = _data(values.pop("data", {}), path)
    named = {key: str(values.pop(key)) for key in _OF_THE_RECIPE if key in values}
    augmentation = values.pop("augmentation", {})
    _check_keys(values, TrainingConfig, f"{path}", also=("data", "augmentation", *_OF_THE_RECIPE))
    _check_keys(augmentation, Augmentation, f"{path}, [augmentation]")
    _check_kinds(values, TrainingConfig(), f"{path}")
    _check_kinds(augmentation, Augmentation(), f"{path}, [augmentation]")
    if "model" in values:
        values["model"] = _model(values["model"], path)
    if values.get("start"):
        values["start"] = str(path.parent / values["start"])
    values.setdefault("sources", data.shares())
    try:
        training = TrainingConfig(**values, augmentation=Augmentation(**_tuples(augmentation)))
        return Recipe(data, training, **named)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _parsed(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder; a recipe is expected, which names the folder: "
            f'a file RECIPE.toml with [data] and cases = "{path.name}". See docs/how-to/train.md.'
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The recipe {path} cannot be read: {error}.") from error


def _data(values: Mapping[str, Any], path: Path) -> Data:
    from anybone.training.recipe import Data

    _check_keys(values, Data, f"{path}, [data]")
    lists = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in values.items()}
    folders = {key: tuple(path.parent / given for given in lists.get(key, ())) for key in ("cases", "corpus")}
    return Data(**folders, hold_out=lists.get("hold_out", ()))


def _model(values: dict[str, Any], path: Path) -> ModelConfig:
    """The network that `like` names, the small one unless told otherwise, with what was given in its place."""
    from anybone.model.config import ModelConfig, TinyVitConfig
    from anybone.training.config import MODELS

    like = values.pop("like", "small")
    if like not in MODELS:
        raise UsageError(f"{path}, [model]: like is one of {', '.join(MODELS)}; found {like!r}.")
    _check_keys(values, ModelConfig, f"{path}, [model]", also=("like",))
    _check_keys(values.get("tiny_vit", {}), TinyVitConfig, f"{path}, [model.tiny_vit]")
    return ModelConfig.from_dict(_merged(MODELS[like]().to_dict(), values))


def _merged(defaults: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with what was given in their place, tables within tables too."""
    given = {key: _merged(defaults.get(key, {}), v) if isinstance(v, dict) else v for key, v in values.items()}
    return {**defaults, **given}


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}


def _check_keys(values: Mapping[str, Any], kind: type, where: str, also: tuple[str, ...] = ()) -> None:
    known = {field.name for field in fields(kind)} | set(also)
    unknown = sorted(set(values) - known)
    if unknown:
        raise UsageError(f"{where} has {', '.join(unknown)}; known are {', '.join(sorted(known))}.")


def _check_kinds(values: Mapping[str, Any], defaults: object, where: str) -> None:
    """Nothing; every value is of its default's kind, but a whole number will do where any number is expected."""
    for key, value in values.items():
        default = getattr(defaults, key)
        kinds = {float: (int, float), tuple: (list,)}.get(type(default), (type(default),))
        if key != "model" and (not isinstance(value, kinds) or isinstance(value, bool) != isinstance(default, bool)):
            raise UsageError(f"{where}: {key} is like {default!r}; found {value!r}.")

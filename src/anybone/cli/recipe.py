"""A recipe in a TOML file -> `Recipe`: what the file does not say is as the defaults have it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anybone.core.errors import UsageError

if TYPE_CHECKING:
    from anybone.models.config import ModelConfig
    from anybone.training.config import TrainingConfig
    from anybone.training.recipe import Data, Recipe

_OF_THE_RECIPE = ("name", "license")


def read_recipe(path: Path) -> Recipe:
    """Read the recipe in a file. Paths in it are relative to the file's folder.

    Raises:
        UsageError: There is no such file, it is no TOML, or a key or value cannot be meant; the message names it.
    """
    from anybone.training.recipe import Recipe

    values = parsed(path, "recipe")
    data = _data(values.pop("data", {}), path)
    named = {key: str(values.pop(key)) for key in _OF_THE_RECIPE if key in values}
    values.setdefault("sources", data.shares())
    training = read_training(values, path, also=("data", *_OF_THE_RECIPE))
    try:
        return Recipe(data, training, **named)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def read_training(values: dict[str, Any], path: Path, *, where: str = "", also: tuple[str, ...] = ()) -> TrainingConfig:
    """Return the training configuration from a table.

    Args:
        values: The table.
        path: Path of the file.
        where: Its name there, such as "training.", where it is not the file itself.
        also: Keys that a reader may have meant, which belong to the file beside.

    Raises:
        UsageError: A key or value cannot be meant.
    """
    from anybone.training.config import Augmentation, TrainingConfig

    values = dict(values)
    here = f"{path}, [{where.rstrip('.')}]" if where else f"{path}"
    augmentation = values.pop("augmentation", {})
    check_keys(values, TrainingConfig, here, also=("augmentation", *also))
    check_keys(augmentation, Augmentation, f"{path}, [{where}augmentation]")
    check_kinds(values, TrainingConfig(), here)
    check_kinds(augmentation, Augmentation(), f"{path}, [{where}augmentation]")
    if "model" in values:
        values["model"] = _model(values["model"], path, where)
    if values.get("start"):
        values["start"] = str(path.parent / values["start"])
    try:
        return TrainingConfig(**values, augmentation=Augmentation(**_tuples(augmentation)))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def parsed(path: Path, what: str) -> dict[str, Any]:
    """Parse a TOML file.

    Args:
        path: Path of the file.
        what: "recipe", or what else it is.

    Raises:
        UsageError: There is no such file, or it is no TOML.
    """
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder; a {what} is expected, which names the folder: "
            f'a file {what.upper()}.toml with [data] and cases = "{path.name}". See docs/how-to/.'
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The {what} {path} cannot be read: {error}.") from error


def _data(values: Mapping[str, Any], path: Path) -> Data:
    from anybone.training.recipe import Data

    check_keys(values, Data, f"{path}, [data]")
    lists = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in values.items()}
    folders = {key: tuple(path.parent / given for given in lists.get(key, ())) for key in ("cases", "corpus")}
    return Data(**folders, hold_out=lists.get("hold_out", ()))


def _model(values: dict[str, Any], path: Path, where: str) -> ModelConfig:
    """Return the network that `like` names (the small one by default), with the given keys replaced."""
    from anybone.models.config import ModelConfig, TinyVitConfig
    from anybone.training.config import MODELS

    values = dict(values)
    like = values.pop("like", "small")
    if like not in MODELS:
        raise UsageError(f"{path}, [{where}model]: like is one of {', '.join(MODELS)}; found {like!r}.")
    check_keys(values, ModelConfig, f"{path}, [{where}model]", also=("like",))
    check_keys(values.get("tiny_vit", {}), TinyVitConfig, f"{path}, [{where}model.tiny_vit]")
    return ModelConfig.from_dict(_merged(MODELS[like]().to_dict(), values))


def _merged(defaults: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults with the given values in place, tables within tables too."""
    given = {key: _merged(defaults.get(key, {}), v) if isinstance(v, dict) else v for key, v in values.items()}
    return {**defaults, **given}


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}


def check_keys(values: Mapping[str, Any], kind: type, where: str, also: tuple[str, ...] = ()) -> None:
    """Raise an error unless every key of a table is a field of `kind` or one of the other known keys."""
    known = {field.name for field in fields(kind)} | set(also)
    unknown = sorted(set(values) - known)
    if unknown:
        raise UsageError(f"{where} has {', '.join(unknown)}; known are {', '.join(sorted(known))}.")


def check_kinds(values: Mapping[str, Any], defaults: object, where: str) -> None:
    """Raise an error unless every value has its default's type; an integer is accepted for any number."""
    for key, value in values.items():
        default = getattr(defaults, key)
        kinds = {float: (int, float), tuple: (list,)}.get(type(default), (type(default),))
        if key != "model" and (not isinstance(value, kinds) or isinstance(value, bool) != isinstance(default, bool)):
            raise UsageError(f"{where}: {key} is like {default!r}; found {value!r}.")

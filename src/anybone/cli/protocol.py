"""A protocol in a TOML file -> `Protocol`: what the file does not say is as the defaults have it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anybone.cli.recipe import check_keys, check_kinds, parsed, read_training
from anybone.core.errors import UsageError

if TYPE_CHECKING:
    from anybone.evaluation.protocols import Protocol

_DATA = ("cases", "corpus", "external", "masks")
_TABLES = ("data", "split", "measure", "training", "locations")


def read_protocol(path: Path, instead: Mapping[str, tuple[Path, ...]] = {}) -> Protocol:
    """Read the protocol in a file. Paths in it are relative to the file's folder.

    Args:
        path: Path of the file.
        instead: Other cases, corpus, external than the file names.

    Raises:
        UsageError: There is no such file, it is no TOML, or a key or value cannot be meant; the message names it.
    """
    from anybone.evaluation.protocols import Measure, Protocol, Split

    values = parsed(path, "protocol")
    data, split, measure, training, locations = (values.pop(table, {}) for table in _TABLES)
    unknown = sorted(set(data) - set(_DATA))
    if unknown:
        raise UsageError(f"{path}, [data] has {', '.join(unknown)}; known are {', '.join(_DATA)}.")
    check_keys(values, Protocol, f"{path}", also=_TABLES)
    for table, kind, where in ((split, Split, "split"), (measure, Measure, "measure")):
        check_keys(table, kind, f"{path}, [{where}]")
        check_kinds(table, kind(), f"{path}, [{where}]")
    folders: dict[str, Any] = {
        key: instead.get(key) or _paths(data.get(key, ()), path) for key in ("cases", "corpus", "external")
    }
    masks = {name: path.parent / folder for name, folder in data.get("masks", {}).items()}
    training.setdefault("sources", {k: 1.0 for k, key in (("real", "cases"), ("synthetic", "corpus")) if folders[key]})
    values.setdefault("name", path.stem)
    check_kinds(values, Protocol("", cases=(path,)), f"{path}")
    try:
        return Protocol(
            **_tuples(values),
            **folders,
            masks=masks,
            locations={name: tuple(regions) for name, regions in locations.items()},
            split=Split(**_tuples(split)),
            measure=Measure(**_tuples(measure)),
            training=read_training(training, path, where="training."),
        )
    except UsageError as error:
        raise UsageError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def _paths(given: str | list[str] | tuple[str, ...], path: Path) -> tuple[Path, ...]:
    return tuple(path.parent / one for one in ((given,) if isinstance(given, str) else given))


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}

"""`anybone train`: cases with bone references -> weights."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anybone.cli import options as opt
from anybone.cli.guard import guarded
from anybone.cli.terminal import Bar, Terminal
from anybone.errors import NothingFoundError, UsageError

if TYPE_CHECKING:
    from anybone.training.cache import Cache
    from anybone.training.config import TrainingConfig
    from anybone.training.sources import Source

CACHE_NAME = "cache.safetensors"


@guarded
def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of cases; docs/how-to/train.md says how.")],
    run: Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="Folder of the run; it goes on there.")],
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.toml", help="What differs from the defaults.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="How many.", show_default="6000")] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0, help="As many steps as fit into this, by a trial of a few.")
    ] = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option("--hold-out", metavar="PATIENT", help="Never trained on. Repeat.", show_default="those suggested"),
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option("--corpus", metavar="DIR", help="Label maps of synthetic anatomy to train on too.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="What the weights are called.")] = "trained",
    licence: Annotated[str, typer.Option("--licence", help="Under which they may be used.")] = "not stated",
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Train a network on your own cases; an interrupted run goes on where it stopped.

    Examples:

    anybone train cases/ -o run --minutes 60
    anybone weights add run/trained.safetensors --name mine
    """
    terminal = Terminal(quiet, verbose)
    if steps is not None and minutes is not None:
        raise UsageError("--steps and --minutes both say how long. Give one.")
    settings = read_config(config)
    if corpus is not None and "synthetic" not in settings.sources:
        settings = replace(settings, sources={"real": 0.5, "synthetic": 0.5})
    if steps is not None:
        settings = replace(settings, steps=steps)
    from anybone.model import checkpoint
    from anybone.training import loop

    with terminal.progress(run.name) as bar:
        cache = _cache(data, run)
        held_out = _held_out(cache, hold_out)
        patients = set(cache.patients) - held_out
        sources = _sources(settings, cache.of(patients), corpus)
        if minutes is not None:
            settings = replace(settings, steps=_earlier_steps(run) or loop.steps_within(minutes, settings, sources))
        network = loop.train(settings, sources, cache.of(held_out), run, _shown(bar, settings.steps))
    origin = f"trained by anybone in {settings.steps} steps; patients: {len(patients)}"
    found = checkpoint.Checkpoint(settings.model, network.state_dict(), licence, origin, name)
    header = checkpoint.save(found, run / (name + checkpoint.SUFFIX))
    terminal.result(f"{header.path}  {header.parameters / 1e6:.1f} M parameters")
    terminal.note(f"Use them: anybone segment INPUT --weights {header.path}")


def read_config(path: Path | None) -> TrainingConfig:
    """The configuration in a TOML file: what it does not say is as `TrainingConfig` has it.

    Raises:
        UsageError: There is no such file, it is no TOML, or a key is not known.
    """
    from anybone.model.config import ModelConfig
    from anybone.training.config import Augmentation, TrainingConfig, small_model

    if path is None:
        return TrainingConfig()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The configuration {path} cannot be read: {error}.") from error
    augmentation = values.pop("augmentation", {})
    _check_keys(values, TrainingConfig, f"{path}")
    _check_keys(augmentation, Augmentation, f"{path}, [augmentation]")
    if "model" in values:
        values["model"] = ModelConfig.from_dict(_merged(small_model().to_dict(), values["model"]))
    ranges: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in augmentation.items()}
    return TrainingConfig(**values, augmentation=Augmentation(**ranges))


def _merged(defaults: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with what was given in their place, tables within tables too."""
    given = {key: _merged(defaults.get(key, {}), v) if isinstance(v, dict) else v for key, v in values.items()}
    return {**defaults, **given}


def _check_keys(values: Mapping[str, Any], kind: type, where: str) -> None:
    known = {field.name for field in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise UsageError(f"{where} has {', '.join(unknown)}; known are {', '.join(sorted(known))}.")


def _cache(data: Path, run: Path) -> Cache:
    """The slices of all cases, prepared once a run."""
    from anybone.training.cache import load_cache, save_cache
    from anybone.training.data import prepare

    path = run / CACHE_NAME
    if not path.is_file():
        run.mkdir(parents=True, exist_ok=True)
        save_cache(prepare(data), path)
    return load_cache(path)


def _held_out(cache: Cache, named: list[str] | None) -> set[str]:
    """The patients that are never trained on: those named, else those that are suggested for the known collections."""
    from anybone.training.public_sets import VALIDATION

    known = set(cache.patients)
    unknown = sorted(set(named or []) - known)
    if unknown:
        raise UsageError(f"There is no patient {', '.join(unknown)} to hold out. There are {', '.join(sorted(known))}.")
    held_out = set(named) if named else VALIDATION & known
    if held_out == known:
        raise UsageError("All patients are held out, so none is left to train on. Hold out fewer with --hold-out.")
    return held_out


def _sources(settings: TrainingConfig, real: Cache, corpus: Path | None) -> dict[str, Source]:
    """What the configuration draws from."""
    from anybone.training.sources import RealSlices, SyntheticSlices

    sources: dict[str, Source] = {"real": RealSlices(real, settings)}
    if corpus is not None:
        from anybone.anatomy.label_map import load
        from anybone.anatomy.scanner import Atlas

        maps = [load(path) for path in sorted(corpus.glob("*.safetensors"))]
        if not maps:
            raise NothingFoundError(f"{corpus} holds no label maps (*.safetensors). Give the folder they were made in.")
        sources["synthetic"] = SyntheticSlices(Atlas.of(maps, settings.device), settings)
    missing = sorted(name for name, share in settings.sources.items() if share > 0 and name not in sources)
    if missing:
        raise UsageError(
            f"The configuration draws from {', '.join(missing)}; there is {', '.join(sources)}. "
            "Synthetic anatomy comes from --corpus DIR."
        )
    return sources


def _earlier_steps(run: Path) -> int | None:
    """The steps of the run in that folder, so that going on with it needs no other trial; None where there is none."""
    path = run / "config.json"
    return int(json.loads(path.read_text())["steps"]) if path.is_file() else None


def _shown(bar: Bar, steps: int) -> Callable[[int, dict[str, float]], None]:
    def show(step: int, losses: dict[str, float]) -> None:
        bar("train", step, steps)

    return show

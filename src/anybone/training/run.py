"""Run a recipe: data, sources, training loop and checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import torch

from anybone.core.errors import NothingFoundError, UsageError
from anybone.inference.device import has_bfloat16
from anybone.models import checkpoint
from anybone.synthetic.label_map import load
from anybone.synthetic.scanner import Atlas
from anybone.synthetic.tissues.rims import vary_rims
from anybone.training import loop
from anybone.training.batch_sources import REAL, SYNTHETIC, read_volumes
from anybone.training.cache import Cache, load_cache
from anybone.training.config import TrainingConfig
from anybone.training.data import cached, held_out_patients
from anybone.training.processes import ALONE, Processes
from anybone.training.public_sets import VALIDATION
from anybone.training.recipe import Data, Recipe
from anybone.training.sources import AnySource
from anybone.training.stages import STAGES
from anybone.training.volumes import VolumeCache

CACHE = "cache.safetensors"

_log = logging.getLogger(__name__)

Progress = Callable[[int, int, dict[str, float]], None]


def run_recipe(
    recipe: Recipe,
    folder: Path,
    *,
    minutes: float | None = None,
    progress: Progress | None = None,
    logs: Iterable[str] = ("tables",),
    processes: Processes = ALONE,
) -> checkpoint.Header:
    """Train weights by a recipe and return their header; a run found in `folder` is resumed.

    Args:
        recipe: On what and how.
        folder: Folder of the run; the weights are written there too, as NAME.safetensors.
        minutes: Takes as many steps as fit into these by a trial, instead of the recipe's.
        progress: Called now and then with the step, how many there are, and the latest losses.
        logs: Keys of `log.LOGS`.
        processes: Among which this one works; the first writes.

    Raises:
        UsageError: Nobody is left to train on, or nobody of that name is there to hold out.
        InputError: The folder holds a run of another recipe, or of other data.
        NothingFoundError: There are no cases, or no label maps.
    """
    if processes.first:
        _advise(recipe.training)
    cache = _cache(recipe, folder / CACHE, processes)
    held_out = _held_out(cache, recipe.data)
    patients = set(cache.patients) - held_out
    sources = _sources(recipe, cache.of(patients))
    config = recipe.training
    if minutes is not None:
        steps = loop.earlier_steps(folder) or loop.steps_within(minutes, config, sources, processes)
        config = replace(config, steps=steps)
    callback = _progress_callback(progress, config)
    network = loop.train(config, sources, cache.of(held_out), folder, callback, logs=logs, processes=processes)
    origin = f"trained by anybone in {config.steps} steps; patients: {len(patients)}"
    license, began = _began(recipe)
    made = checkpoint.Checkpoint(config.model, network.state_dict(), license, origin + began, recipe.name)
    path = folder / (recipe.name + checkpoint.SUFFIX)
    if processes.first:
        checkpoint.save(made, path)
    processes.wait()
    return checkpoint.read_header(path)


def _advise(config: TrainingConfig) -> None:
    if config.bfloat16 and not has_bfloat16(torch.device(config.device)):
        _log.warning(
            "This processor does not compute in 16 bits itself: it trains faster with bfloat16 = false in the recipe."
        )


def _began(recipe: Recipe) -> tuple[str, str]:
    """Return the license, joined with that of the initial weights, and a note on these."""
    if not recipe.training.start:
        return recipe.license, ""
    path = Path(recipe.training.start)
    if path.suffix != checkpoint.SUFFIX:
        return recipe.license, f"; began with {path.name}"
    header = checkpoint.read_header(path)
    return header.license_with(recipe.license), f"; began with {header.name} ({header.origin})"


def _cache(recipe: Recipe, path: Path, processes: Processes) -> Cache | VolumeCache:
    """Return the slices of the recipe's cases (prepared by the first process), or the volumes of its stage."""
    if not recipe.data.cases:
        return Cache.empty()
    if _sees(recipe) != "slices":
        return read_volumes(recipe.data.cases, recipe.training)
    made = cached(recipe.data.cases, path) if processes.first else None
    processes.wait()
    return made or load_cache(path)


def _sees(recipe: Recipe) -> str:
    return STAGES[recipe.training.stage].sees


def _held_out(cache: Cache | VolumeCache, data: Data) -> set[str]:
    """Return the patients that are never trained on: those named, else those of manifests and known collections."""
    known = set(cache.patients)
    unknown = sorted(set(data.hold_out) - known)
    if unknown:
        raise UsageError(f"There is no patient {', '.join(unknown)} to hold out. There are {', '.join(sorted(known))}.")
    held_out = set(data.hold_out) or (VALIDATION | held_out_patients(data.cases)) & known
    if known and held_out == known:
        raise UsageError("All patients are held out, so none is left to train on. Hold out fewer.")
    return held_out


def _sources(recipe: Recipe, real: Cache | VolumeCache) -> dict[str, AnySource]:
    """Return the sources of the recipe."""
    sources: dict[str, AnySource] = {}
    if real.patients:
        sources["real"] = REAL[_sees(recipe)](real, recipe.training)
    if recipe.data.corpus:
        maps = [load(path) for folder in recipe.data.corpus for path in sorted(folder.glob("*.safetensors"))]
        if not maps:
            raise NothingFoundError(
                f"{', '.join(map(str, recipe.data.corpus))} holds no label maps (*.safetensors). "
                "Make them: anybone anatomy corpus -o DIR"
            )
        varied = [vary_rims(one, number) for number, one in enumerate(maps)]
        atlas = Atlas.of([*maps, *varied], recipe.training.device)
        sources["synthetic"] = SYNTHETIC[_sees(recipe)](atlas, recipe.training)
    return sources


def _progress_callback(
    progress: Progress | None, config: TrainingConfig
) -> Callable[[int, dict[str, float]], None] | None:
    return None if progress is None else lambda step, losses: progress(step, config.steps, losses)

"""Training of a benchmark's methods: consecutive runs, by the same loop as any training."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch

from anybone.core.errors import NothingFoundError, UsageError
from anybone.evaluation.methods import Method, TrainingRun
from anybone.evaluation.protocols import Fold, Protocol
from anybone.models import checkpoint
from anybone.models.bone_sam import BoneSam
from anybone.models.network import Network
from anybone.synthetic.label_map import load
from anybone.synthetic.scanner import Atlas
from anybone.training import loop
from anybone.training.attended import attended_cache
from anybone.training.batch_sources import REAL, SYNTHETIC, model_with_branch
from anybone.training.cache import IGNORE, Cache, load_cache, save_cache
from anybone.training.config import TrainingConfig
from anybone.training.pairs import pair_volume
from anybone.training.slices import cache_of
from anybone.training.sources import AnySource
from anybone.training.stages import STAGES
from anybone.training.volumes import VolumeCache

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Trained:
    """Trained network of a method.

    Attributes:
        network: Network in evaluation mode.
        steps: Number of steps of all runs.
        minutes: CPU time of all runs; wall time on a GPU.
    """

    network: Network
    steps: int
    minutes: float


def train_method(
    method: Method,
    protocol: Protocol,
    fold: Fold,
    seed: int,
    folder: Path,
    slices: Path,
    progress: Progress = lambda step, steps: None,
) -> Trained:
    """Train a method; runs found in `folder` are resumed.

    Args:
        method: Method to train.
        protocol: Data, numbers, budget.
        fold: Cases to train on.
        seed: Seed of every random draw.
        folder: Folder of this training.
        slices: File with the training slices of the fold; made if it does not exist.
        progress: Called with (step, steps) of a run.

    Raises:
        UsageError: The method draws from a source that the protocol does not have.
        NothingFoundError: There is no label map.
    """
    start, steps, seconds = "", 0, 0.0
    network: Network | None = None
    for number, run in enumerate(method.runs):
        config = method.config(protocol.training, run, seed)
        config = replace(config, start=start or config.start)
        place = folder / f"{number}-{run.stage.replace(' ', '-')}"
        sources = _sources(config, protocol, fold, slices)
        config = replace(config, steps=_steps(method, run, config, protocol, sources, place))
        network = loop.train(
            config,
            sources,
            Cache.empty(),
            place,
            _progress_callback(progress, config),
            build=method.build,
            clock=_clock(config),
        )
        state = torch.load(place / loop.CHECKPOINT, weights_only=True, map_location="cpu", mmap=True)
        steps, seconds = steps + config.steps, seconds + float(state["seconds"])
        if isinstance(network, BoneSam):
            start = str(_kept(network, config, place))
    if network is None:
        raise UsageError(f"{method.about}: this method has no training runs.")
    return Trained(network.eval(), steps, seconds / 60)


def _clock(config: TrainingConfig) -> loop.Clock:
    """Return this process's CPU time, which other programs on the machine hardly change; wall time for a GPU."""
    return time.process_time if config.device == "cpu" else time.monotonic


def _progress_callback(progress: Progress, config: TrainingConfig) -> Callable[[int, dict[str, float]], None]:
    return lambda step, losses: progress(step, config.steps)


def _steps(
    method: Method,
    run: TrainingRun,
    config: TrainingConfig,
    protocol: Protocol,
    sources: dict[str, AnySource],
    place: Path,
) -> int:
    """Return the steps of a run: of an earlier run, as many as fit its minutes, or its fraction of all."""
    if not protocol.minutes:
        return max(1, round(run.fraction * config.steps))
    earlier = loop.earlier_steps(place)
    minutes = run.fraction * protocol.minutes
    return earlier or loop.steps_within(minutes, config, sources, build=method.build, clock=_clock(config))


def _kept(network: BoneSam, config: TrainingConfig, place: Path) -> Path:
    """Save a run's weights, from which the next run starts, and return the path."""
    made = checkpoint.Checkpoint(
        config.model, network.state_dict(), "not stated", "a training run of a benchmark", "weights"
    )
    return checkpoint.save(made, place / f"weights{checkpoint.SUFFIX}").path


def _sources(config: TrainingConfig, protocol: Protocol, fold: Fold, slices: Path) -> dict[str, AnySource]:
    """Return the sources of a run."""
    sees = STAGES[config.stage].sees
    wanted = {name for name, share in config.sources.items() if share > 0}
    sources: dict[str, AnySource] = {}
    if "real" in wanted and fold.train:
        sources["real"] = REAL[sees](_real(config, fold, slices), config)
    if "synthetic" in wanted and protocol.corpus:
        atlas = _atlas(tuple(_maps(protocol, fold)), config.device)
        sources["synthetic"] = SYNTHETIC[sees](atlas, config)
    missing = sorted(wanted - set(sources))
    if missing:
        raise UsageError(
            f"There is no {' and no '.join(missing)} data to learn from in the fold {fold.name!r} of {protocol.name}. "
            "Give [data] cases for real, corpus for synthetic, or leave out methods and folds that need them."
        )
    return sources


def _real(config: TrainingConfig, fold: Fold, slices: Path) -> object:
    """Return the cases of a fold in the form that the stage uses."""
    volumes = (one.case.mark(pair_volume(one.case.pair)) for one in fold.train)
    match STAGES[config.stage].sees:
        case "volumes":
            return VolumeCache.made_of(volumes)
        case "attended slices":
            return attended_cache(volumes, model_with_branch(config))
        case "slices":
            if not slices.is_file():
                slices.parent.mkdir(parents=True, exist_ok=True)
                known = (one for volume in volumes for one in volume.slices() if (one.labels != IGNORE).any())
                save_cache(cache_of(known), slices)
            return load_cache(slices)


def _maps(protocol: Protocol, fold: Fold) -> list[Path]:
    """Return the label maps of a fold (REGION_SEED.safetensors), without those of excluded regions."""
    paths = [path for folder in protocol.corpus for path in sorted(folder.glob("*.safetensors"))]
    kept = [path for path in paths if path.stem.rpartition("_")[0] not in fold.without]
    if not kept:
        raise NothingFoundError(
            f"{', '.join(map(str, protocol.corpus))} holds no label maps for the fold {fold.name!r}. "
            "Make them: anybone anatomy corpus -o DIR"
        )
    return kept


@lru_cache(maxsize=1)
def _atlas(paths: tuple[Path, ...], device: str) -> Atlas:
    """Label maps, kept for the next job, which mostly wants the same."""
    return Atlas.of([load(path) for path in paths], device)

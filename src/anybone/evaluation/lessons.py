"""A contender learns: its lessons one after the other, by the same loop as any training."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch

from anybone.core.errors import NothingFoundError, UsageError
from anybone.evaluation.contenders import Contender, Lesson
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
class Taught:
    """What came of lessons.

    Attributes:
        network: In evaluation mode.
        steps: In all.
        minutes: Of processor time that they took; of time, on a GPU.
    """

    network: Network
    steps: int
    minutes: float


def teach(
    contender: Contender,
    protocol: Protocol,
    fold: Fold,
    seed: int,
    folder: Path,
    slices: Path,
    progress: Progress = lambda step, steps: None,
) -> Taught:
    """What a contender comes to; lessons found in `folder` are gone on with.

    Args:
        contender: Who.
        protocol: Data, numbers, budget.
        fold: Who is learned from.
        seed: Of every draw.
        folder: Of this training.
        slices: File with the slices that the fold learns from; made where it is not there.
        progress: Called with (step, steps) of a lesson.

    Raises:
        UsageError: The contender draws from a source that the protocol does not have.
        NothingFoundError: There is no label map.
    """
    start, steps, seconds = "", 0, 0.0
    network: Network | None = None
    for number, lesson in enumerate(contender.lessons):
        config = contender.config(protocol.training, lesson, seed)
        config = replace(config, start=start or config.start)
        place = folder / f"{number}-{lesson.stage.replace(' ', '-')}"
        sources = _sources(config, protocol, fold, slices)
        config = replace(config, steps=_steps(contender, lesson, config, protocol, sources, place))
        network = loop.train(
            config, sources, Cache.empty(), place, _told(progress, config), build=contender.build, clock=_clock(config)
        )
        state = torch.load(place / loop.CHECKPOINT, weights_only=True, map_location="cpu", mmap=True)
        steps, seconds = steps + config.steps, seconds + float(state["seconds"])
        if isinstance(network, BoneSam):
            start = str(_kept(network, config, place))
    if network is None:
        raise UsageError(f"{contender.about}: it has no lessons.")
    return Taught(network.eval(), steps, seconds / 60)


def _clock(config: TrainingConfig) -> loop.Clock:
    """This process's time on processors, which what else runs on the machine hardly lengthens; time, for a GPU."""
    return time.process_time if config.device == "cpu" else time.monotonic


def _told(progress: Progress, config: TrainingConfig) -> Callable[[int, dict[str, float]], None]:
    return lambda step, losses: progress(step, config.steps)


def _steps(
    contender: Contender,
    lesson: Lesson,
    config: TrainingConfig,
    protocol: Protocol,
    sources: dict[str, AnySource],
    place: Path,
) -> int:
    """The steps of a lesson: those of the run that is there, as many as its minutes hold, or its share of all."""
    if not protocol.minutes:
        return max(1, round(lesson.share * config.steps))
    earlier = loop.earlier_steps(place)
    minutes = lesson.share * protocol.minutes
    return earlier or loop.steps_within(minutes, config, sources, build=contender.build, clock=_clock(config))


def _kept(network: BoneSam, config: TrainingConfig, place: Path) -> Path:
    """The file of a lesson's weights, which the next starts from."""
    made = checkpoint.Checkpoint(config.model, network.state_dict(), "not stated", "a lesson of a benchmark", "lesson")
    return checkpoint.save(made, place / f"lesson{checkpoint.SUFFIX}").path


def _sources(config: TrainingConfig, protocol: Protocol, fold: Fold, slices: Path) -> dict[str, AnySource]:
    """What a lesson draws from."""
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
            "Give [data] cases for real, corpus for synthetic, or leave out contenders and folds that need them."
        )
    return sources


def _real(config: TrainingConfig, fold: Fold, slices: Path) -> object:
    """The cases of a fold as the stage sees them."""
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
    """The label maps that a fold learns from, REGION_SEED.safetensors: those of regions that are left out are not."""
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

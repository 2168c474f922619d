"""Batch sources of each stage: slices, whole volumes, or slices with the attention of a 3-D branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from anybone.core.errors import UsageError
from anybone.models.bone_sam import BoneSam
from anybone.models.initialization import start_from
from anybone.synthetic.scanner import Atlas
from anybone.training.attended import AttendedAnatomy, AttendedSlices, attended_cache
from anybone.training.cache import AttendedCache
from anybone.training.config import TrainingConfig
from anybone.training.data import volume_cases
from anybone.training.sources import AnySource, RealSlices, SyntheticSlices
from anybone.training.stages import STAGES
from anybone.training.volumes import RealVolumes, SyntheticVolumes, VolumeCache

# What a stage sees -> its source of a cache of patients, and of an atlas of synthetic anatomy.
REAL: Mapping[str, Callable[[Any, TrainingConfig], AnySource]] = {
    "slices": RealSlices,
    "volumes": RealVolumes,
    "attended slices": AttendedSlices,
}
SYNTHETIC: Mapping[str, Callable[[Atlas, TrainingConfig], AnySource]] = {
    "slices": SyntheticSlices,
    "volumes": lambda atlas, config: SyntheticVolumes(atlas),
    "attended slices": lambda atlas, config: AttendedAnatomy(atlas, model_with_branch(config), config),
}


def read_volumes(cases: Sequence[Path], config: TrainingConfig) -> VolumeCache | AttendedCache:
    """Read cases for a stage that trains or uses the 3-D branch; raises as `data.prepare` and `model_with_branch`.

    They are read again whenever a run starts or goes on: about a second each.
    """
    if STAGES[config.stage].sees == "volumes":
        return VolumeCache.made_of(volume_cases(cases))
    return attended_cache(volume_cases(cases), model_with_branch(config))


def model_with_branch(config: TrainingConfig) -> BoneSam:
    """Return the initial network of a run, in evaluation mode, with a trained 3-D branch.

    Raises:
        UsageError: The initial weights have no trained 3-D branch.
    """
    model = BoneSam(config.model).eval()
    initial = start_from(model, Path(config.start)) if config.start else list(model.state_dict())
    if any(name.startswith("depth_attention.") for name in initial):
        raise UsageError(
            f"Stage {config.stage!r} needs a trained 3-D branch ({config.model.depth_attention!r}), and "
            f"{config.start or 'a run without start'} has none. Train stage 'depth' first, and start from its weights."
        )
    return model

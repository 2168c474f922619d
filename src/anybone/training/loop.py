"""The training loop, read from top to bottom: cache, network, steps, checkpoints, validation, weights."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from anybone.core.errors import InputError, UsageError
from anybone.models.bone_sam import BoneSam
from anybone.models.initialization import start_from
from anybone.models.lora import add_lora, merge_lora
from anybone.models.network import Network
from anybone.training.cache import Cache
from anybone.training.config import TrainingConfig
from anybone.training.depth import batch_loss, validate_volumes
from anybone.training.gradient_sync import BatchNormStatistics, all_reduce_gradients, micro_batch_seed
from anybone.training.processes import ALONE, Processes
from anybone.training.progress_log import LOGS, Log
from anybone.training.schedules import factor
from anybone.training.sources import AnySource
from anybone.training.stages import STAGES, prepare_stage, train_mode
from anybone.training.validate import validate
from anybone.training.volumes import VolumeCache

CHECKPOINT, CONFIG = "checkpoint.pt", "config.json"
LOG_EVERY = 20  # steps
TRIAL_STEPS = 5

N = TypeVar("N", bound=Network)
Build = Callable[[TrainingConfig], Network]
Clock = Callable[[], float]


def bone_sam(config: TrainingConfig) -> BoneSam:
    """Our network with what it starts from."""
    model = BoneSam(config.model)
    if config.start:
        start_from(model, Path(config.start))
    return model


@dataclass
class Run(Generic[N]):
    """State of a run, saved in checkpoints so that a killed run resumes exactly."""

    model: N
    average: N
    optimizer: torch.optim.AdamW
    rng: torch.Generator
    step: int = 0
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        """Write the state atomically."""
        state = {name: getattr(self, name).state_dict() for name in ("model", "average", "optimizer")}
        state |= {name: getattr(self, name) for name in ("step", "seconds")}
        torch.save(state | {"rng": self.rng.get_state()}, path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)

    def restore(self, path: Path) -> None:
        """Restore the state that `save` wrote."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        for name in ("model", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]
        self.rng.set_state(state["rng"])


def train(
    config: TrainingConfig,
    sources: Mapping[str, AnySource],
    held_out: Cache | VolumeCache,
    folder: Path,
    progress: Callable[[int, dict[str, float]], None] | None = None,
    *,
    logs: Iterable[str] = ("tables",),
    processes: Processes = ALONE,
    build: Build = bone_sam,
    clock: Clock = time.monotonic,
) -> Network:
    """Return the averaged network after `config.steps`; a run found in `folder` is resumed.

    It is the same, up to rounding, however many processes share the parts of each batch.

    Args:
        config: The run.
        sources: Sources, keyed by the names in `config.sources`.
        held_out: Slices, or volumes, of patients to validate on; none of them may be in the sources.
        folder: Folder for checkpoint, log, configuration and pictures.
        progress: Called now and then with the step and the latest losses.
        logs: Keys of `log.LOGS`.
        processes: Among which this one works; the first writes and validates.
        build: Function that builds the network.
        clock: Clock for the seconds of the run.

    Raises:
        InputError: The folder holds a run of another configuration.
        UsageError: The parts of a batch cannot be shared equally.
        MissingExtraError: A log needs what is not installed.
    """
    _check_shares(config, processes)
    if processes.first:
        folder.mkdir(parents=True, exist_ok=True)
        _same_configuration(config, folder / CONFIG)
    run = begin(config, build)
    if (folder / CHECKPOINT).is_file():
        run.restore(folder / CHECKPOINT)
    written = [LOGS[name](folder, run.step) for name in logs] if processes.first else []
    while run.step < config.steps:
        began = clock()
        losses = one_step(run, sources, config, processes)
        run.seconds += clock() - began
        if run.step % LOG_EVERY == 0:
            row = {name: round(float(loss), 4) for name, loss in losses.items()}
            for log in written:
                log.losses(run.step, run.seconds, {**row, "learning_rate": run.optimizer.param_groups[0]["lr"]})
            if progress:
                progress(run.step, row)
        last = run.step == config.steps
        if processes.first and (last or run.step % config.validate_steps == 0):
            _validate(run, held_out, folder, written)
        if processes.first and (last or run.step % config.save_steps == 0):
            run.save(folder / CHECKPOINT)
    for log in written:
        log.close()
    merge_lora(run.average)
    return run.average


def new_run(config: TrainingConfig) -> Run[BoneSam]:
    """Return a run of `BoneSam` before its first step."""
    return begin(config, bone_sam)


def begin(config: TrainingConfig, build: Callable[[TrainingConfig], N]) -> Run[N]:
    """Return a run before its first step: the initialized network, with the weights of its stage trainable."""
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model = build(config)
    stage = STAGES[config.stage]
    if stage.lora:
        add_lora(model)
    prepare_stage(model, stage)
    model = model.channels_last().to(config.device)
    average = copy.deepcopy(model).eval().requires_grad_(False)
    rng = torch.Generator(next(model.parameters()).device)  # of several GPUs, this process's own
    rng.manual_seed(config.seed)
    return Run(model, average, _optimizer(model, config), rng)


def steps_within(
    minutes: float,
    config: TrainingConfig,
    sources: Mapping[str, AnySource],
    processes: Processes = ALONE,
    *,
    build: Build = bone_sam,
    clock: Clock = time.monotonic,
) -> int:
    """Estimate the number of steps that fit into some minutes, from a trial of a few steps; at least one."""
    run = begin(config, build)
    one_step(run, sources, config, processes)  # the first is slower than those that follow
    began = clock()
    for _ in range(TRIAL_STEPS):
        one_step(run, sources, config, processes)
    return processes.agreed(max(1, int(60 * minutes * TRIAL_STEPS / (clock() - began))))


def earlier_steps(folder: Path) -> int | None:
    """Return the number of steps of the run in that folder, so that resuming needs no trial; None without a run."""
    path = folder / CONFIG
    return int(json.loads(path.read_text())["steps"]) if path.is_file() else None


def one_step(
    run: Run[Any], sources: Mapping[str, AnySource], config: TrainingConfig, processes: Processes = ALONE
) -> dict[str, Tensor]:
    """Draw a batch, update the network, and return the loss by part."""
    part_config = replace(config, batch=config.batch // config.micro_batches, micro_batches=1)
    train_mode(run.model)
    statistics = BatchNormStatistics(run.model)
    sums: dict[str, Tensor] = {}
    for part in range(processes.rank, config.micro_batches, processes.count):
        run.rng.manual_seed(micro_batch_seed(config.seed, run.step, part))
        losses = batch_loss(run.model, sources, part_config, run.rng)
        sums = _backward(losses, sums, 1 / config.micro_batches)
        statistics.end_micro_batch()
    statistics.end_step(config.micro_batches, processes)
    all_reduce_gradients(run.model.parameters(), processes)
    together = torch.stack(list(sums.values()))
    processes.add(together)
    _update(run, config)
    return dict(zip(sums, together.unbind(), strict=True))


def learn(run: Run[Any], losses: dict[str, Tensor], config: TrainingConfig) -> dict[str, Tensor]:
    """Update the network, its average and the optimizer from a loss, and return its detached parts."""
    detached = _backward(losses, {}, 1.0)
    _update(run, config)
    return detached


def _backward(losses: dict[str, Tensor], sums: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Add weighted losses to the sums, and their gradients to the network's."""
    torch.autograd.backward(share * torch.stack(list(losses.values())).sum())
    return {name: sums.get(name, 0.0) + share * loss.detach() for name, loss in losses.items()}


def _update(run: Run[Any], config: TrainingConfig) -> None:
    for group in run.optimizer.param_groups:
        group["lr"] = config.learning_rate * factor(config.schedule, run.step / config.steps, config.warmup_fraction)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), config.clip_norm)
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    _average(run, config.ema)
    run.step += 1


@torch.no_grad()
def _average(run: Run[Any], keep: float) -> None:
    keep = min(keep, (1 + run.step) / (10 + run.step))  # early averages forget the random start
    for mean, new in zip(run.average.state_dict().values(), run.model.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(new, 1 - keep)
        else:
            mean.copy_(new)


def _optimizer(model: Network, config: TrainingConfig) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]  # norms, biases: not decayed
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)


def _validate(run: Run[Any], held_out: Cache | VolumeCache, folder: Path, logs: Iterable[Log]) -> None:
    if held_out.patients:
        if isinstance(held_out, VolumeCache):
            scores = validate_volumes(run.average, held_out)
        else:
            scores = validate(run.average, held_out, folder / f"validation_{run.step:06d}.png")
        for log in logs:
            log.scores(run.step, run.seconds, scores)


def _check_shares(config: TrainingConfig, processes: Processes) -> None:
    if config.micro_batches % processes.count:
        raise UsageError(
            f"{processes.count} processes cannot divide {config.micro_batches} micro-batches equally. "
            f"Set micro_batches = {processes.count} in the recipe, or a multiple."
        )


def _same_configuration(config: TrainingConfig, path: Path) -> None:
    text = json.dumps(config.to_dict(), indent=1)
    if path.is_file() and path.read_text() != text:
        raise InputError(f"{path.parent} holds a run of another configuration. Give an empty folder, or the same one.")
    path.write_text(text)

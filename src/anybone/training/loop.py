"""The training loop, read from top to bottom: cache, network, steps, checkpoints, validation, weights."""

from __future__ import annotations

import copy
import csv
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anybone.errors import InputError
from anybone.model.bone_sam import BoneSam
from anybone.model.lora import add_lora, merge_lora
from anybone.model.start import start_from
from anybone.training.cache import Cache
from anybone.training.config import TrainingConfig
from anybone.training.sources import Source, draw_batch
from anybone.training.stages import STAGES, prepare_stage, train_mode
from anybone.training.step import training_loss
from anybone.training.validate import validate

CHECKPOINT, LOG, CONFIG = "checkpoint.pt", "log.csv", "config.json"
LOG_EVERY = 20  # steps
TRIAL_STEPS = 5


@dataclass
class Run:
    """What a checkpoint holds, so that a killed run goes on exactly where it was."""

    model: BoneSam
    average: BoneSam
    optimiser: torch.optim.AdamW
    rng: torch.Generator
    step: int = 0
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        """Writes all of it, never leaving half a file."""
        state = {name: getattr(self, name).state_dict() for name in ("model", "average", "optimiser")}
        state |= {name: getattr(self, name) for name in ("step", "seconds")}
        torch.save(state | {"rng": self.rng.get_state()}, path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)

    def restore(self, path: Path) -> None:
        """Reads what `save` wrote."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        for name in ("model", "average", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]
        self.rng.set_state(state["rng"])


def train(
    config: TrainingConfig,
    sources: Mapping[str, Source],
    held_out: Cache,
    folder: Path,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> BoneSam:
    """The averaged network after `config.steps`; a run found in `folder` goes on where it stopped.

    Args:
        config: The run.
        sources: By the names in `config.sources`.
        held_out: Slices of patients to validate on; none of them may be in the sources.
        folder: Where checkpoint, log, configuration and pictures go.
        progress: Called now and then with the step and the latest losses.

    Raises:
        InputError: The folder holds a run of another configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _same_configuration(config, folder / CONFIG)
    run = new_run(config)
    if (folder / CHECKPOINT).is_file():
        run.restore(folder / CHECKPOINT)
    while run.step < config.steps:
        began = time.monotonic()
        losses = one_step(run, sources, config)
        run.seconds += time.monotonic() - began
        if run.step % LOG_EVERY == 0:
            row = {name: round(float(loss), 4) for name, loss in losses.items()}
            _log(folder / LOG, {"step": run.step, "seconds": round(run.seconds, 1), **row})
            if progress:
                progress(run.step, row)
        if run.step % config.validate_steps == 0 and run.step < config.steps:
            _validate(run, held_out, folder)
        if run.step % config.save_steps == 0:
            run.save(folder / CHECKPOINT)
    _validate(run, held_out, folder)
    run.save(folder / CHECKPOINT)
    merge_lora(run.average)
    return run.average


def new_run(config: TrainingConfig) -> Run:
    """A run before its first step: the network with what it starts from, and the weights that its stage trains."""
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model = BoneSam(config.model)
    if config.start:
        start_from(model, Path(config.start))
    stage = STAGES[config.stage]
    if stage.lora:
        add_lora(model)
    prepare_stage(model, stage)
    model = model.channels_last().to(config.device)
    average = copy.deepcopy(model).eval().requires_grad_(False)
    rng = torch.Generator(config.device)
    rng.manual_seed(config.seed)
    return Run(model, average, _optimiser(model, config), rng)


def steps_within(minutes: float, config: TrainingConfig, sources: Mapping[str, Source]) -> int:
    """How many steps fit into some minutes on this machine, by a trial of a few; at least one."""
    run = new_run(config)
    one_step(run, sources, config)  # the first is slower than those that follow
    began = time.monotonic()
    for _ in range(TRIAL_STEPS):
        one_step(run, sources, config)
    return max(1, int(60 * minutes * TRIAL_STEPS / (time.monotonic() - began)))


def one_step(run: Run, sources: Mapping[str, Source], config: TrainingConfig) -> dict[str, Tensor]:
    """The parts of the loss of a batch that was drawn; the network has learnt from it."""
    images, bones = draw_batch(sources, config, run.rng)
    train_mode(run.model)
    return learn(run, training_loss(run.model, images, bones, config, run.rng), config)


def learn(run: Run, losses: dict[str, Tensor], config: TrainingConfig) -> dict[str, Tensor]:
    """The parts of a loss without gradients; the network, its average and the optimiser have taken a step."""
    for group in run.optimiser.param_groups:
        group["lr"] = config.learning_rate * _schedule(run.step / config.steps, config.warm_up)
    total = torch.stack(list(losses.values())).sum()
    run.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(total)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), config.clip_norm)
    run.optimiser.step()
    _average(run, config.ema)
    run.step += 1
    return {name: loss.detach() for name, loss in losses.items()}


@torch.no_grad()
def _average(run: Run, keep: float) -> None:
    keep = min(keep, (1 + run.step) / (10 + run.step))  # early averages forget the random start
    for mean, new in zip(run.average.state_dict().values(), run.model.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(new, 1 - keep)
        else:
            mean.copy_(new)


def _optimiser(model: BoneSam, config: TrainingConfig) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]  # norms, biases: not decayed
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)


def _schedule(share: float, warm_up: float) -> float:
    """Factor of the learning rate: a linear rise, then a cosine to zero."""
    if share < warm_up:
        return max(share / warm_up, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (share - warm_up) / (1 - warm_up)))


def _validate(run: Run, held_out: Cache, folder: Path) -> None:
    if held_out.patients:
        scores = validate(run.average, held_out, folder / f"validation_{run.step:06d}.png")
        line = {"step": run.step, "minutes": round(run.seconds / 60, 1), **scores}
        with open(folder / "validation.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")


def _log(path: Path, row: dict[str, Any]) -> None:
    new = not path.is_file()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def _same_configuration(config: TrainingConfig, path: Path) -> None:
    text = json.dumps(config.to_dict(), indent=1)
    if path.is_file() and path.read_text() != text:
        raise InputError(f"{path.parent} holds a run of another configuration. Give an empty folder, or the same one.")
    path.write_text(text)

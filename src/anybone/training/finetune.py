"""Fine-tuning on a few cases, on a CPU in minutes: images are encoded once, the decoder learns from what is kept.

A few cases can teach their own chance as well as what they have in common with others. So it is tried out first: half
of the cases teach, the other half tell how much better they are found, and the other way round.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import mean

import torch

from anybone.model.bone_sam import BoneSam
from anybone.model.config import ModelConfig
from anybone.model.lora import merge_lora
from anybone.training.cache import IGNORE, Cache
from anybone.training.config import Augmentation, TrainingConfig
from anybone.training.loop import Run, learn, new_run
from anybone.training.stages import STAGES, prepare_stage
from anybone.training.step import decoding_loss
from anybone.training.validate import asked_mask, overlap
from anybone.training.views import Progress, Views, encode_views

MOST_WEIGHTS = 1_000_000  # of a decoder that learns as a whole: changes to it take two megabytes
LOOKS = 5  # times that a trial looks at the cases that were left out
MOST_LOOKED_AT = 24  # slices of a case that was left out

# Cases of one's own are alike, and so are those that come: changes are smaller than where any scan may come.
GENTLE = Augmentation(
    zoom=(0.8, 1.2),
    turn_degrees=15,
    quarter_turns=0,
    stretch=0.08,
    shift=0.12,
    warp=0.03,
    gamma=(0.8, 1.25),
    curve=0.1,
    network=0.05,
    invert=0,
    bias=0.2,
    noise=0.04,
    blur=0.15,
    mass=0.05,
    ghost=0.05,
)


@dataclass(frozen=True)
class Trial:
    """How well cases were found that were left out.

    Attributes:
        dice: Their mean Dice by the number of steps on the others; 0 is before the first.
        cases: How many were left out, one after the other.
    """

    dice: Mapping[int, float]
    cases: int

    @property
    def steps(self) -> int:
        """The number of steps that served them best; 0 where none did."""
        return max(self.dice, key=lambda steps: (self.dice[steps], -steps))


def stage_for(model: ModelConfig) -> str:
    """The stage in which a network is fine-tuned: the whole decoder, or, where that is large, low-rank updates of it.

    Only the decoder may change, since embeddings are kept.
    """
    with torch.device("meta"):
        network = BoneSam(model)
    prepare_stage(network, STAGES["decoder"])
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return "decoder" if count <= MOST_WEIGHTS else "decoder lora"


def views_for(config: TrainingConfig, cache: Cache, progress: Progress = lambda step, done, total: None) -> Views:
    """The slices of a cache, encoded for `try_out` and `finetune` with the same configuration."""
    run = new_run(config)
    return encode_views(run.model, cache, config, run.rng, progress)


def finetune(
    config: TrainingConfig, views: Views, steps: int, progress: Progress = lambda step, done, total: None
) -> BoneSam:
    """The averaged network after some of `config.steps`; its encoder is that of `config.start`.

    Args:
        config: A run of the stage `stage_for` its model, with weights to start from.
        views: What it learns from.
        steps: After how many it ends; the learning rate is that of a run of `config.steps`.
        progress: Called with ("train", done, total).
    """
    run = new_run(config)
    for step in _steps(run, config, views):
        progress("train", step, steps)
        if step == steps:
            break
    return _averaged(run)


def try_out(config: TrainingConfig, views: Views, progress: Progress = lambda step, done, total: None) -> Trial | None:
    """How well the cases are found that each of two runs leaves out; None where one case is all there is.

    Args:
        config: As for `finetune`.
        views: Of all cases.
        progress: Called with ("try", done, total).
    """
    cases = sorted(set(views.cases))
    if len(cases) < 2:
        return None
    looks = sorted({0, *(round(config.steps * (n + 1) / LOOKS) for n in range(LOOKS))})
    dice: dict[int, list[float]] = {steps: [] for steps in looks}
    for number, left_out in enumerate((cases[::2], cases[1::2])):
        run = new_run(config)
        dice[0] += _dice(run.average, views.of(left_out, plain=True))
        for step in _steps(run, config, views.of(set(cases) - set(left_out))):
            progress("try", number * config.steps + step, 2 * config.steps)
            if step in looks:
                dice[step] += _dice(_averaged(run), views.of(left_out, plain=True))
    return Trial({steps: mean(each) for steps, each in dice.items()}, len(cases))


def _steps(run: Run, config: TrainingConfig, views: Views) -> Iterator[int]:
    """The number of each step once it is done."""
    while run.step < config.steps:
        run.model.train()
        embeddings, bones = views.draw(config.batch, run.rng)
        learn(run, decoding_loss(run.model, embeddings, bones, config, run.rng), config)
        yield run.step


def _averaged(run: Run) -> BoneSam:
    average = copy.deepcopy(run.average)
    merge_lora(average)
    return average


@torch.inference_mode()
def _dice(model: BoneSam, views: Views) -> list[float]:
    """Dice of each case, automatic, pooled over slices spread evenly through it."""
    found = []
    for case in sorted(set(views.cases)):
        own = views.of({case})
        sums = torch.zeros(2, dtype=torch.float64)
        for i in torch.linspace(0, len(own.cases) - 1, min(len(own.cases), MOST_LOOKED_AT)).round().long().tolist():
            bones = own.bones[i : i + 1]
            mask = asked_mask(model.decode(own.embeddings[i : i + 1].float())[0], bones.shape[1:])
            sums += overlap(mask, (bones > 0) & (bones != IGNORE), bones != IGNORE).cpu()
        found.append(float(sums[0] / sums[1]) if sums[1] else 1.0)
    return found

"""Fine-tuning on a few cases, on a CPU in minutes: images are encoded once, the decoder learns from what is kept.

A few cases can teach their own chance as well as what they have in common with others. So it is tried out first: half
of the cases teach, the other half tell how much better they are found, and the other way round.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import torch
from torch import Tensor

from anybone.core.array_types import Float
from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig
from anybone.models.lora import merge_lora
from anybone.training.cache import IGNORE
from anybone.training.config import Augmentation, TrainingConfig
from anybone.training.encoded_crops import EncodedCrops, Progress, encode_crops
from anybone.training.loop import Run, learn, new_run
from anybone.training.naming_loss import naming_loss, tell_apart
from anybone.training.slices import Slice, cache_of, kinds_of
from anybone.training.stages import STAGES, prepare_stage
from anybone.training.step import decoding_loss
from anybone.training.validate import asked_mask, overlap

MOST_WEIGHTS = 1_000_000  # of a decoder that learns as a whole: changes to it take two megabytes
FEW, CHANCE = 4, 0.02  # cases whose trial says little about others; Dice that one or two cases gain or lose by chance
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
    lesion=0.05,
    ghost=0.05,
)


@dataclass(frozen=True)
class Trial:
    """Cross-validated Dice of cases that were left out.

    Attributes:
        dice: Dice of each case left out, by the number of steps on the others; 0 is before the first.
    """

    dice: Mapping[int, tuple[float, ...]]

    @property
    def cases(self) -> int:
        """Number of cases left out."""
        return len(self.dice[0])

    @property
    def steps(self) -> int:
        """The number of steps that served them most surely; 0 where none did.

        What counts is the mean gain less its standard error over the cases: where one gains what another loses, steps
        fitted the noise of a few.
        """
        return max(self.dice, key=lambda steps: (self._sure_gain(steps), -steps))

    @property
    def at_best(self) -> int:
        """The chosen number of steps; where none was, that after which most was found."""
        return self.steps or max((steps for steps in self.dice if steps), key=self.mean)

    @property
    def decides(self) -> bool:
        """Return whether the result is clear enough to choose a number of steps."""
        return self.cases >= FEW or abs(self.mean(self.at_best) - self.mean(0)) > CHANCE

    def mean(self, steps: int) -> float:
        """Mean Dice after that many steps."""
        return mean(self.dice[steps])

    def _sure_gain(self, steps: int) -> float:
        gains = [after - before for after, before in zip(self.dice[steps], self.dice[0], strict=True)]
        return mean(gains) - stdev(gains) / math.sqrt(len(gains))


def stage_for(model: ModelConfig) -> str:
    """Return the fine-tuning stage: the whole decoder, or low-rank updates of a large one.

    Only the decoder may change, since embeddings are kept.
    """
    with torch.device("meta"):
        network = BoneSam(model)
    prepare_stage(network, STAGES["decoder"])
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return "decoder" if count <= MOST_WEIGHTS else "decoder lora"


def crops_for(
    config: TrainingConfig, slices: Sequence[Slice], progress: Progress = lambda step, done, total: None
) -> EncodedCrops:
    """Slices, encoded for `cross_validate` and `finetune` with the same configuration."""
    run = new_run(config)
    return encode_crops(run.model, cache_of(slices), kinds_of(slices), config, run.rng, progress)


def finetune(
    config: TrainingConfig, crops: EncodedCrops, steps: int, progress: Progress = lambda step, done, total: None
) -> BoneSam:
    """Return the averaged network after some of `config.steps`; its encoder is that of `config.start`.

    Args:
        config: A run of the stage `stage_for` its model, with weights to start from.
        crops: Crops to train on.
        steps: After how many it ends; the learning rate is that of a run of `config.steps`.
        progress: Called with ("train", done, total).
    """
    run = new_run(config)
    for step in _steps(run, config, crops):
        progress("train", step, steps)
        if step == steps:
            break
    return _averaged(run)


def cross_validate(
    config: TrainingConfig, crops: EncodedCrops, progress: Progress = lambda step, done, total: None
) -> Trial | None:
    """Return the Dice of the cases that each of two runs leaves out; None for a single case.

    Args:
        config: Configuration, see `finetune`.
        crops: Crops of all cases.
        progress: Called with ("try", done, total).
    """
    cases = sorted(set(crops.cases))
    if len(cases) < 2:
        return None
    looks = sorted({0, *(round(config.steps * (n + 1) / LOOKS) for n in range(LOOKS))})
    dice: dict[int, list[float]] = {steps: [] for steps in looks}
    for number, left_out in enumerate((cases[::2], cases[1::2])):
        run = new_run(config)
        dice[0] += _dice(run.average, crops.of(left_out, plain=True))
        for step in _steps(run, config, crops.of(set(cases) - set(left_out))):
            progress("try", number * config.steps + step, 2 * config.steps)
            if step in looks:
                dice[step] += _dice(_averaged(run), crops.of(left_out, plain=True))
    return Trial({steps: tuple(each) for steps, each in dice.items()})


def _steps(run: Run[BoneSam], config: TrainingConfig, crops: EncodedCrops) -> Iterator[int]:
    """Yield the number of each step once it is done."""
    while run.step < config.steps:
        run.model.train()
        drawn = crops.draw(config.batch, run.rng)
        embedding = drawn.embeddings.float()
        losses = decoding_loss(run.model, embedding, drawn.bones.long(), config, run.rng)
        if config.model.bones:
            losses["named"] = naming_loss(run.model, embedding, drawn.named())
        learn(run, losses, config)
        yield run.step


def _averaged(run: Run[BoneSam]) -> BoneSam:
    average = copy.deepcopy(run.average)
    merge_lora(average)
    return average


@torch.inference_mode()
def _dice(model: BoneSam, crops: EncodedCrops) -> list[float]:
    """Dice of each case, automatic, pooled over slices spread evenly through it; of named bones their mean."""
    found = []
    for case in sorted(set(crops.cases)):
        own = crops.of({case})
        sums = torch.zeros(max(1, len(model.config.bones)), 2, dtype=torch.float64)
        for i in torch.linspace(0, len(own.cases) - 1, min(len(own.cases), MOST_LOOKED_AT)).round().long().tolist():
            sums += _overlaps(model, own.at([i])).cpu()
        there = sums[:, 1] > 0
        found.append(float((sums[there, 0] / sums[there, 1]).mean()) if there.any() else 1.0)
    return found


def _overlaps(model: BoneSam, view: EncodedCrops) -> Float[Tensor, "n 2"]:
    """Twice what answer and truth have in common, and the sum of both: of bone, or of each named bone."""
    embedding, truth = view.embeddings.float(), view.named()
    mask = asked_mask(model.decode(embedding)[0], truth.shape[1:])
    known = truth != IGNORE
    if not model.config.bones:
        return overlap(mask, (truth > 0) & known, known)[None]
    answer = tell_apart(model, embedding, mask)
    return torch.stack([overlap(answer == label, truth == label, known) for label in model.config.bones])

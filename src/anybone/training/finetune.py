"""Fine-tuning on a few cases, on a CPU in minutes: images are encoded once, the decoder learns from what is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from anybone.model.bone_sam import BoneSam
from anybone.model.config import ModelConfig
from anybone.model.lora import merge_lora
from anybone.model.preprocess import to_network
from anybone.shapes import Float, Int
from anybone.training.augment import augment, plain
from anybone.training.cache import Cache
from anybone.training.config import TrainingConfig
from anybone.training.loop import Run, learn, new_run
from anybone.training.stages import STAGES, prepare_stage
from anybone.training.step import decoding_loss

MOST_WEIGHTS = 1_000_000  # of a decoder that learns as a whole: changes to it take two megabytes
MOST_VIEWS = 1500  # embeddings that are held: half a gigabyte at the default size
VIEWS_A_SLICE = 12

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Views:
    """Changed images of the slices, encoded.

    Attributes:
        embeddings: float16.
        bones: uint8, as in a cache.
    """

    embeddings: Float[Tensor, "n c h w"]
    bones: Int[Tensor, "n s s"]


def stage_for(model: ModelConfig) -> str:
    """The stage in which a network is fine-tuned: the whole decoder, or, where that is large, low-rank updates of it.

    Only the decoder may change, since embeddings are kept.
    """
    with torch.device("meta"):
        network = BoneSam(model)
    prepare_stage(network, STAGES["decoder"])
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return "decoder" if count <= MOST_WEIGHTS else "decoder lora"


def finetune(config: TrainingConfig, cache: Cache, progress: Progress = lambda step, done, total: None) -> BoneSam:
    """The averaged network after `config.steps` on slices of a few cases; its encoder is that of `config.start`.

    Args:
        config: A run of the stage `stage_for` its model, with weights to start from.
        cache: The slices.
        progress: Called with ("encode" or "train", done, total).
    """
    run = new_run(config)
    views = _encode(run, cache, config, progress)
    run.model.train()
    while run.step < config.steps:
        drawn = torch.randint(len(views.bones), (config.batch,), generator=run.rng, device=run.rng.device)
        embeddings, bones = views.embeddings[drawn].float(), views.bones[drawn].long()
        learn(run, decoding_loss(run.model, embeddings, bones, config, run.rng), config)
        progress("train", run.step, config.steps)
    merge_lora(run.average)
    return run.average


@torch.no_grad()
def _encode(run: Run, cache: Cache, config: TrainingConfig, progress: Progress) -> _Views:
    """Each slice as it is, and further times changed at random."""
    run.model.eval()
    count, size = len(cache.patients), config.model.image_size
    rounds = max(1, min(VIEWS_A_SLICE, MOST_VIEWS // count))
    embeddings, bones = [], []
    for number in range(rounds):
        for start in range(0, count, config.batch):
            part = slice(start, start + config.batch)
            images, labels = cache.images[part].to(config.device), cache.bones[part].to(config.device)
            if number == 0:
                seen, truth = plain(images, labels, size)
            else:
                seen, truth = augment(images, labels, size, config.augmentation, run.rng)
            with torch.autocast(config.device, torch.bfloat16, enabled=config.bfloat16):
                embeddings.append(run.model.encode(to_network(seen)).half())
            bones.append(truth.to(torch.uint8))
            progress("encode", number * count + min(start + config.batch, count), rounds * count)
    return _Views(torch.cat(embeddings), torch.cat(bones))

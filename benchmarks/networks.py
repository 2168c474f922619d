"""A standard 2-D network of about the same size beside ours: same data, augmentation and loss; automatic mode.

    pip install -e ".[benchmark]"
    python benchmarks/networks.py dynunet CACHE --corpus MAPS --held-out MAPS2 --minutes 60 --weights NAME|PATH \\
        [--record FILE.json]

The network is a key of `anybone.evaluation.networks.NETWORKS`.

CACHE is the cache.safetensors of a run of `anybone train`; MAPS and MAPS2 are folders made by `anybone anatomy corpus`
with different seeds. Dice is taken in the input frame: of a patient's cached slices pooled, averaged over patients; of
synthetic slices pooled by region, averaged over regions. Minutes are the processor's. A run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.anatomy.label_map import load
from anybone.anatomy.scanner import Atlas
from anybone.evaluation.networks import NETWORKS, build
from anybone.model import checkpoint
from anybone.model.preprocess import to_network
from anybone.training.augment import plain
from anybone.training.cache import IGNORE, Cache, load_cache
from anybone.training.config import TrainingConfig, default_model
from anybone.training.losses import mask_loss
from anybone.training.public_sets import VALIDATION
from anybone.training.sources import RealSlices, Source, SyntheticSlices, draw_batch

SYNTHETIC_BATCHES, SYNTHETIC_BATCH = 8, 8  # slices of each region

Answer = Callable[[Tensor], Tensor]


def train(name: str, config: TrainingConfig, sources: dict[str, Source], minutes: float, path: Path) -> nn.Module:
    """The network after some minutes of processor time; what is in `path` is gone on with."""
    torch.manual_seed(config.seed)
    model = build(name, 2, config.model.image_size).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    rng, seconds, step = torch.Generator().manual_seed(config.seed), 0.0, 0
    if path.is_file():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"]), optimiser.load_state_dict(state["optimiser"])
        rng.set_state(state["rng"])
        seconds, step = state["seconds"], state["step"]
    while seconds < 60 * minutes:
        began = time.process_time()
        share = seconds / (60 * minutes)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - share) ** 0.9  # nnU-Net's schedule
        images, bones = draw_batch(sources, config, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            logits = model(to_network(images)[:, :1])
        known, truth = bones != IGNORE, (bones > 0) & (bones != IGNORE)
        loss = mask_loss(logits.float()[:, 0], truth, known)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 12.0)  # nnU-Net's
        optimiser.step()
        step, seconds = step + 1, seconds + time.process_time() - began
        if step % 25 == 0:
            print(step, round(float(loss), 3), f"{seconds / 60:.1f} min", flush=True)
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "rng": rng.get_state()}
            torch.save(state | {"seconds": seconds, "step": step}, path)
    return model.eval()


def dice_of(batches: Iterator[tuple[str, Tensor, Tensor]], answer: Answer) -> dict[str, float]:
    """Pooled Dice by name of (name, images, bones)."""
    sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros(2))
    for name, images, bones in batches:
        with torch.inference_mode():
            found = F.interpolate(answer(images), size=images.shape[1:], mode="bilinear")[:, 0] > 0
        known, truth = bones != IGNORE, (bones > 0) & (bones != IGNORE)
        found = found & known
        sums[name] += torch.stack([2 * (found & truth).sum(), found.sum() + truth.sum()])
    return {name: float(a / b) for name, (a, b) in sorted(sums.items())}


def real(cache: Cache, size: int) -> Iterator[tuple[str, Tensor, Tensor]]:
    """The cached slices, one by one."""
    for i, patient in enumerate(cache.patients):
        yield patient, *plain(cache.images[i : i + 1], cache.bones[i : i + 1], size)


def synthetic(folder: Path, config: TrainingConfig) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Slices of every held-out label map, the same in every call."""
    for path in sorted(folder.glob("*.safetensors")):
        source = SyntheticSlices(Atlas.of([load(path)]), config)
        rng = torch.Generator().manual_seed(1)
        for _ in range(SYNTHETIC_BATCHES):
            yield f"synthetic/{path.stem.rpartition('_')[0]}", *source.draw(SYNTHETIC_BATCH, rng)


def main() -> None:
    """Trains, measures, prints, and keeps the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", type=int, default=384, help="side of the input frame in pixels")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--state", type=Path, help="where it goes on; NETWORK.pt unless given")
    parser.add_argument("--weights", type=Path, help="of our network")
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    cache = load_cache(a.cache)
    kept_out = cache.of(VALIDATION & set(cache.patients))
    config = TrainingConfig(
        model=replace(default_model(), image_size=a.size),
        learning_rate=1e-3,
        batch=a.batch,
        sources={"real": 0.4, "synthetic": 0.6},
    )
    sources: dict[str, Source] = {
        "real": RealSlices(cache.of(set(cache.patients) - VALIDATION), config),
        "synthetic": SyntheticSlices(Atlas.of([load(p) for p in sorted(a.corpus.glob("*.safetensors"))]), config),
    }
    model = train(a.network, config, sources, a.minutes, a.state or Path(f"{a.network}.pt"))
    answers: dict[str, Answer] = {a.network: lambda images: model(to_network(images)[:, :1])}
    parameters = {a.network: sum(p.numel() for p in model.parameters())}
    if a.weights:
        ours = checkpoint.load(a.weights).build().eval()
        answers["ours"] = lambda images: ours.decode(ours.encode(to_network(images)))[0][:, 1:]
        parameters["ours"] = sum(p.numel() for p in ours.parameters())
    figures: dict[str, dict[str, float]] = {}
    for name, answer in answers.items():
        size = config.model.image_size
        found = dice_of(real(kept_out, size), answer) | dice_of(synthetic(a.held_out, config), answer)
        for group in ("spine", "limb", "synthetic"):
            found[group] = mean(v for k, v in found.items() if k.startswith(group + "/"))
        figures[name] = {k: round(v, 4) for k, v in found.items()}
        print(name, parameters[name], {k: v for k, v in figures[name].items() if "/" not in k}, flush=True)
    if a.record:
        a.record.write_text(
            json.dumps({"parameters": parameters, "minutes": a.minutes, "dice": figures}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()

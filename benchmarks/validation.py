"""Measure weights on every validation set in one run: spines, limbs, fat-suppressed joints, synthetic slices.

    anybone anatomy corpus --count 1 --seed 9000 -o held_out
    python benchmarks/validation.py SHARED_DATA held_out --weights NAME|PATH ... [--cache FILE.pt] [--record FILE.json]

Every slice is scored at the scale of the network's input, so that one pass takes a minute. Sets:

- spine, limb: every third slice of the validation patients with a known reference; Dice pooled over a patient's slices.
- fs_dev: the outlined slice of each series of SHARED_DATA/fat_suppressed_dev, its neighbors mixed in as in
  `SegmentOptions`; recall in bone and the fraction of trusted soft tissue that was called bone.
- synthetic: one slice of each label map in each sequence of `SEQUENCES`, rendered once; Dice of each slice. No label
  map may be in the corpus that the weights were trained on.

The score that weights are chosen by is the mean of spine Dice, limb Dice, the mean over series of
recall - 2 x false positives, and synthetic Dice.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accuracy import cases
from anybone.inference.intensity import clip_to_unit
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

import anybone
from anybone.inference.options import SegmentOptions
from anybone.inference.quality import dice_of, sums_of
from anybone.inference.segmenter import Segmenter
from anybone.inference.slicing import make_frames
from anybone.models.image_normalization import to_network
from anybone.synthetic.contrast import SEQUENCES
from anybone.synthetic.label_map import load as load_map
from anybone.synthetic.scanner import Atlas, Renderer, RenderOptions
from anybone.synthetic.scanner.aim import Aim
from anybone.training.cache import IGNORE

SIZE = 384
EVERY = 3  # slices of a patient
SUPPRESSED = ("t1-fs", "pd-fs", "t2-fs", "stir", "gre-fs", "dixon-water")
BORDER_PX = 8  # of the series' own pixels of about 0.3 mm
NEIGHBORS = 0.4  # weight of the adjacent slices, as in `SegmentOptions`

Transform = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Item:
    """A slice, or a slice between its neighbors, as the network sees it.

    Attributes:
        group: The set it belongs to.
        name: Patient, series or "region sequence"; slices of one name are scored together.
        gray: 0..1, "slices h w", the padded frame.
        mm: Edge of a pixel.
        truth: "h w" of the middle slice: 0, 1 or IGNORE.
        content: Rows and columns that are not padding.
    """

    group: str
    name: str
    gray: Tensor
    mm: float
    truth: Tensor
    content: tuple[int, int]


def framed(
    volume: anybone.Volume, truth: np.ndarray, group: str, name: str, chosen: Sequence[int], beside: int
) -> list[Item]:
    """Return slices of a volume in the network's frame."""
    options = SegmentOptions()
    axis, frames = make_frames(volume.geometry, SIZE, options)
    unit, known = clip_to_unit(volume.data), torch.from_numpy(truth)
    made = []
    for k in chosen:
        stack = [n for n in range(k - beside, k + beside + 1) if 0 <= n < len(frames)]
        frame = frames[k]
        (h, w), (height, width) = frame.content_shape, frame.frame_shape
        planes = torch.stack([frame.picture(unit.select(axis, n)) for n in stack])[:, None]
        gray = F.interpolate(planes, size=(h, w), mode="bilinear", antialias=True, align_corners=False)[:, 0]
        label = frame.picture(known.select(axis, k))[None, None].float()
        label = F.interpolate(label, size=(h, w), mode="nearest-exact")[0, 0].to(torch.uint8)
        pad = (0, width - w, 0, height - h)
        a = next(a for a in range(3) if a != axis)
        mm = volume.geometry.spacing_mm[a] * volume.geometry.shape_ijk[a] / (h if not frame.turn.transposed else w)
        made.append(Item(group, name, F.pad(gray, pad), mm, F.pad(label, pad, value=IGNORE), (h, w)))
    return made


def patients(data: Path) -> list[Item]:
    """Return every third slice of the validation patients that has a known reference and bone."""
    made = []
    for case in cases(data):
        known = np.flatnonzero(((case.truth == 1).any((0, 1))) & (case.truth != IGNORE).any((0, 1)))
        made += framed(
            case.volume, case.truth, case.name.split("/")[0], case.name, known[1::EVERY].tolist() or known.tolist(), 0
        )
    return made


def suppressed_joints(data: Path) -> list[Item]:
    """Return the outlined slice of each series of `fat_suppressed_dev` between its neighbors."""
    made = []
    for path in sorted((data / "fat_suppressed_dev").glob("*_image.nii.gz")):
        name = path.name.removesuffix("_image.nii.gz")
        volume, bone, keep = (anybone.read(path.with_name(f"{name}_{x}.nii.gz")) for x in ("image", "bone", "keep"))
        truth = np.where(keep.data > 0, (bone.data > 0).astype(np.uint8), IGNORE).astype(np.uint8)
        middle = int(np.flatnonzero((keep.data > 0).any((0, 1)))[0])
        made += framed(volume, without_border(truth), "fs_dev", name, [middle], 1)
    return made


def without_border(truth: np.ndarray) -> np.ndarray:
    """Return the reference with what lies within `BORDER_PX` outside bone set to IGNORE.

    The outlines leave the cortex out in some series; whether it is called bone is no error.
    """
    result = truth.copy()
    for k in range(truth.shape[2]):
        away = ndimage.distance_transform_edt(truth[..., k] != 1)
        result[..., k][(truth[..., k] == 0) & (away < BORDER_PX)] = IGNORE
    return result


def synthetic(maps: Path) -> list[Item]:
    """Return a slice of each label map in each sequence, the same in every run."""
    made = []
    paths = sorted(maps.glob("*.safetensors"))
    atlas = Atlas.of([load_map(path) for path in paths])
    aim = Aim(off_bone=0.0, field=(0.7, 1.2), any_tilt=0.0)
    for number, sequence in enumerate(SEQUENCES):
        options = RenderOptions(size=SIZE, mixture_share=0.0, sequences=(sequence,), aim=aim)
        rendered = Renderer(atlas, options).draw(len(atlas), 77_000 + number, torch.arange(len(atlas)))
        for n, path in enumerate(paths):
            image = rendered.image[n, 0]
            image = (image / image.flatten().quantile(0.99).clamp(min=1e-6)).clamp(0, 1)
            truth = torch.where(rendered.faint[n, 0], IGNORE, (rendered.bone[n, 0] > 0).long()).to(torch.uint8)
            mm = float(rendered.frames.spacing_mm[n, 0])
            if ((truth == 1).sum()) >= 100:
                region = path.stem.rpartition("_")[0]
                made.append(Item("synthetic", f"{region} {sequence}", image[None], mm, truth, (SIZE, SIZE)))
    return made


@torch.inference_mode()
def logits_of(model: Segmenter, item: Item, transform: Transform | None = None) -> Tensor:
    """Return logits of bone in the middle slice "h w" at the scale of the input."""
    gray = item.gray if transform is None else transform(item.gray, item.mm)
    answer = model.runner.decode(model.runner.encode(to_network(gray)))[0][:, 1:2]
    large = F.interpolate(answer, size=gray.shape[1:], mode="bilinear", align_corners=False)[:, 0]
    if len(large) == 1:
        return large[0]
    middle = len(large) // 2
    beside = torch.stack([large[n] for n in range(len(large)) if n != middle]).mean(0)
    return (1 - NEIGHBORS) * large[middle] + NEIGHBORS * beside


def counts(logits: Tensor, item: Item, model: Segmenter) -> dict[str, float]:
    """Return true positives, false positives, bone, soft tissue, and the sums of expected Dice of a slice."""
    known, bone, found = item.truth != IGNORE, item.truth == 1, logits > 0
    h, w = item.content
    probability = model.judge.calibration.probability(logits[:h, :w].numpy())
    inside, anywhere, taken = sums_of(probability, found[:h, :w].numpy())
    return {
        "tp": float((found & bone).sum()),
        "fp": float((found & known & ~bone).sum()),
        "bone": float(bone.sum()),
        "soft": float((known & ~bone).sum()),
        "inside": inside,
        "anywhere": anywhere,
        "taken": taken,
    }


def figures(rows: Sequence[tuple[Item, dict[str, float]]]) -> dict[str, Any]:
    """Return figures by name and set, and the score."""
    sums: dict[tuple[str, str], dict[str, float]] = {}
    for item, row in rows:
        total = sums.setdefault((item.group, item.name), dict.fromkeys(row, 0.0))
        for key, value in row.items():
            total[key] += value
    by_name: dict[str, dict[str, dict[str, float]]] = {}
    for (group, name), s in sums.items():
        by_name.setdefault(group, {})[name] = {
            "rng": 2 * s["tp"] / max(1.0, s["tp"] + s["fp"] + s["bone"]),
            "recall": s["tp"] / max(1.0, s["bone"]),
            "false": s["fp"] / max(1.0, s["soft"]),
            "expected": dice_of(s["inside"], s["anywhere"], s["taken"]),
        }

    def mean(group: str, key: str, keep: Callable[[str], bool] = lambda name: True) -> float:
        return float(np.mean([f[key] for name, f in by_name[group].items() if keep(name)]))

    is_suppressed = lambda name: name.split(" ")[-1] in SUPPRESSED  # noqa: E731
    result = {
        "spine": mean("spine", "rng"),
        "limb": mean("limb", "rng"),
        "fs_recall": mean("fs_dev", "recall"),
        "fs_false": mean("fs_dev", "false"),
        "synthetic": mean("synthetic", "rng"),
        "synthetic_fs": mean("synthetic", "rng", is_suppressed),
        "synthetic_other": mean("synthetic", "rng", lambda name: not is_suppressed(name)),
    }
    result["fs_dev"] = result["fs_recall"] - 2 * result["fs_false"]
    result["score"] = float(np.mean([result[key] for key in ("spine", "limb", "fs_dev", "synthetic")]))
    away = [abs(f["expected"] - f["rng"]) for group in by_name.values() for f in group.values()]
    result["expected_error"] = float(np.mean(away))
    result["by_name"] = by_name
    return result


def smoothing(mm: float, gamma: float) -> Transform | None:
    """Smooth by a Gaussian of `mm` and darken by an exponent before the network."""
    if not mm and gamma == 1:
        return None

    def transform(gray: Tensor, pixel_mm: float) -> Tensor:
        if mm:
            sigma = mm / pixel_mm
            reach = max(1, round(3 * sigma))
            kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
            kernel = kernel / kernel.sum()
            x = F.pad(gray[:, None], (reach,) * 4, mode="replicate")
            gray = F.conv2d(F.conv2d(x, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))[:, 0]
        return gray**gamma

    return transform


def load_items(data: Path, maps: Path, cache: Path | None) -> list[Item]:
    """Return all items, from the cache if it is there."""
    if cache and cache.is_file():
        return [Item(**one) for one in torch.load(cache)]
    items = patients(data) + suppressed_joints(data) + synthetic(maps)
    if cache:
        torch.save([vars(item) for item in items], cache)
    return items


def measure(model: Segmenter, items: Sequence[Item], transform: Transform | None = None) -> dict[str, Any]:
    """Return the figures of weights on items."""
    began = time.monotonic()
    found = figures([(item, counts(logits_of(model, item, transform), item, model)) for item in items])
    found["seconds"] = time.monotonic() - began
    return found


def line(found: dict[str, Any]) -> str:
    """Return the figures of the sets in one line."""
    keys = [key for key, value in found.items() if isinstance(value, float) and key != "seconds"]
    return " ".join(f"{key} {found[key]:.4f}" for key in keys)


def main() -> None:
    """Measure, print, and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("maps", type=Path)
    parser.add_argument("--weights", nargs="*", default=[None])
    parser.add_argument("--smooth", type=float, default=0.0, metavar="MM")
    parser.add_argument("--gamma", type=float, default=1.0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    items = load_items(a.data, a.maps, a.cache)
    recorded = {}
    for weights in a.weights:
        found = measure(anybone.load(weights), items, smoothing(a.smooth, a.gamma))
        print(weights or "default", line(found), flush=True)
        for name, f in found["by_name"]["fs_dev"].items():
            print(f"   {name:16} recall {f['recall']:.3f} false {f['false']:.3f} expected {f['expected']:.3f}")
        recorded[str(weights or "default")] = found
    if a.record:
        a.record.write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""A benchmark in seconds: limbs of two places and sequences, a label map, a tiny network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anybone
from anybone.core.segmentation import Segmentation
from anybone.evaluation.protocols import Measure, Protocol
from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.synthetic.label_map import save
from anybone.training.cases import Case
from anybone.training.config import TrainingConfig
from anybone.training.manifest import write_manifest
from limb_phantom import limb_phantom
from painted_limb import limb_map

MODEL = ModelConfig(
    image_size=64,
    tiny_vit=TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), adapter_stages=(), classes=0),
    embed_dim=32,
    decoder_depth=1,
    decoder_heads=4,
    decoder_mlp_dim=32,
    decoder_adapters=False,
    prompt_mask_channels=4,
    depth_attention=None,
)
TRAINING = TrainingConfig(
    model=MODEL, steps=3, batch=2, save_steps=1, threads=1, bfloat16=False, corrections=1, sources={"real": 1.0}
)


def small_cases(folder: Path, count: int = 4) -> Path:
    """The manifest of some limbs: thigh and arm take turns, so do T1 and T2 of pairs; the last two are held out."""
    cases = []
    for number in range(count):
        volume, truth = limb_phantom(number, (48, 48, 3), region="thigh")
        image, bones = (folder / kind / f"{number}.nii.gz" for kind in ("images", "masks"))
        anybone.write(volume, image)
        anybone.write(_partly_known(truth), bones)
        region, sequence = ("thigh", "arm")[number % 2], ("t1", "t2")[number // 2 % 2]
        split = "validation" if number >= count - 2 else "training"
        cases.append(Case(image, bones, f"p{number}", region, sequence, split))
    write_manifest(cases, folder / "limbs.csv")
    return folder / "limbs.csv"


def _partly_known(truth: Segmentation) -> Segmentation:
    """The truth, not known (255) along an edge that has no bone."""
    labels = truth.labels.copy()
    labels[0] = 255
    return replace(truth, labels=labels, names={**truth.names, 255: "not known"})


def small_maps(folder: Path) -> Path:
    """A folder with label maps of a leg and an arm."""
    folder.mkdir(parents=True, exist_ok=True)
    made = limb_map((48, 48, 40), 2.4)
    for name in ("thigh_0", "arm_0"):
        save(replace(made, region=name), folder / f"{name}.safetensors")
    return folder


def small_protocol(cases: Path, **changes: object) -> Protocol:
    """Three steps of a tiny network."""
    plain = Protocol("small", "Whether it runs.", ("ours",), (cases,), training=TRAINING, measure=Measure((2.0,)))
    return replace(plain, **changes)  # type: ignore[arg-type]

r"""The checkpoint of the default weights: learned weights, with a card of words and measured figures.

    python benchmarks/card.py LEARNED.safetensors docs/data/card-2026.12.toml docs/data/accuracy-0.10.json \\
        docs/data/regions-0.10.json docs/data/trust-0.10.json OUT.safetensors

The words are those of the TOML file; figures are as benchmarks/accuracy.py, regions.py and trust.py recorded them, with
--weights LEARNED.safetensors or weights that differ in their card alone. OUT is in half precision.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from anybone.inference.quality import KEY
from anybone.models import checkpoint


def card(
    words: dict[str, Any], accuracy: dict[str, Any], regions: dict[str, Any], trust: dict[str, Any]
) -> dict[str, Any]:
    """Return the card for the checkpoint's header."""
    dice = accuracy["dice"]
    patients = {name: figures for name, figures in dice.items() if "/" in name}
    validation: dict[str, Any] = {"what": words.pop("validation")}
    for region in sorted(set(dice) - set(patients)):
        count = sum(name.startswith(f"{region}/") for name in patients)
        validation[f"{region}, {count} patients"] = dice[region]
    validation["by_patient"] = patients
    synthetic = {"what": words.pop("synthetic"), **regions["dice"]}
    return {**words, "validation": validation, "synthetic": synthetic, KEY: trust["calibration"]}


def main() -> None:
    """Write OUT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("learned", "words", "accuracy", "regions", "trust", "out"):
        parser.add_argument(name, type=Path)
    a = parser.parse_args()
    words = tomllib.loads(a.words.read_text(encoding="utf-8"))
    figures = [json.loads(path.read_text(encoding="utf-8")) for path in (a.accuracy, a.regions, a.trust)]
    facts = {key: words.pop(key) for key in ("name", "license", "origin")}
    made = replace(checkpoint.load(a.learned), **facts, card=card(words, *figures))
    header = checkpoint.save(made, a.out, torch.float16)
    print(f"{a.out}  {header.name}, {a.out.stat().st_size / 1e6:.1f} MB, sha256 {header.sha256}")


if __name__ == "__main__":
    main()

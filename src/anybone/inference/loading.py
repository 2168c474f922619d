"""Checkpoint -> Segmenter."""

from __future__ import annotations

from pathlib import Path

from anybone.inference.device import choose_device
from anybone.inference.quality import QualityEstimator
from anybone.inference.segmenter import Segmenter
from anybone.models import checkpoint, registry


def load(name_or_path: str | Path | None = None, *, device: str = "auto") -> Segmenter:
    """A segmenter with the weights of that name, or in that file; without an argument, those that ship.

    Args:
        name_or_path: As `anybone weights list` shows, or a `.safetensors` file that `anybone weights add` made.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        CheckpointError: No such weights, or the file is damaged.
        UsageError: No such device.
    """
    path = registry.locate(name_or_path)
    header = checkpoint.read_header(path)
    model = checkpoint.load(path).build().eval().requires_grad_(False).to(choose_device(device))
    return Segmenter(
        model, name=header.name, weights_sha256=header.sha256, quality_estimator=QualityEstimator.from_card(header.card)
    )

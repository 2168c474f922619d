"""Load a checkpoint as a Segmenter."""

from __future__ import annotations

from pathlib import Path

from anybone.inference.device import choose_device
from anybone.inference.quality import QualityEstimator
from anybone.inference.segmenter import Segmenter
from anybone.models import checkpoint, registry


def load(name_or_path: str | Path | None = None, *, device: str = "auto") -> Segmenter:
    """Return a segmenter with the weights of that name, or in that file; without an argument, the included weights.

    Args:
        name_or_path: Name from `anybone weights list`, or a `.safetensors` file made by `anybone weights add`.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        CheckpointError: No weights of that name, or the file is damaged.
        UsageError: The device is not available.
    """
    path = registry.locate(name_or_path)
    header = checkpoint.read_header(path)
    model = checkpoint.load(path).build().eval().requires_grad_(False).to(choose_device(device))
    return Segmenter(
        model, name=header.name, weights_sha256=header.sha256, quality_estimator=QualityEstimator.from_card(header.card)
    )

"""Finds bone on MRI: any bone, any location, any sequence, any plane.

volume = anybone.read("knee.nii.gz")
bones = anybone.load().segment(volume)
anybone.write(bones, "knee_bones.nii.gz")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from anybone.core.errors import AnyboneError
from anybone.core.geometry import Geometry
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Scribble
from anybone.core.segmentation import Provenance, Segmentation
from anybone.core.volume import Volume
from anybone.version import __version__

if TYPE_CHECKING:
    from anybone.evaluation.report import evaluate
    from anybone.inference.loading import load
    from anybone.inference.options import SegmentOptions
    from anybone.inference.segmenter import Segmenter
    from anybone.interactive.session import Session
    from anybone.io import read, read_segmentation
    from anybone.notebook import view
    from anybone.saving import write
    from anybone.server.client import connect

__all__ = [
    "AnyboneError",
    "Box",
    "Geometry",
    "Lasso",
    "MaskHint",
    "Point",
    "Provenance",
    "Scribble",
    "SegmentOptions",
    "Segmentation",
    "Segmenter",
    "Session",
    "Volume",
    "__version__",
    "connect",
    "evaluate",
    "load",
    "read",
    "read_segmentation",
    "view",
    "write",
]

_LATER = {  # imported on first use: torch takes seconds, and reading a header needs none of it
    "SegmentOptions": "anybone.inference.options",
    "Segmenter": "anybone.inference.segmenter",
    "Session": "anybone.interactive.session",
    "connect": "anybone.server.client",
    "evaluate": "anybone.evaluation.report",
    "load": "anybone.inference.loading",
    "read": "anybone.io",
    "read_segmentation": "anybone.io",
    "view": "anybone.notebook",
    "write": "anybone.saving",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'anybone' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""Finds bone on MRI: any bone, any location, any sequence, any plane.

volume = anybone.read("knee.nii.gz")
bones = anybone.load().segment(volume)
anybone.write(bones, "knee_bones.nii.gz")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from anybone.errors import AnyboneError
from anybone.geometry import Geometry
from anybone.prompts import Box, Lasso, MaskHint, Point, Scribble
from anybone.segmentation import Provenance, Segmentation
from anybone.version import __version__
from anybone.volume import Volume

if TYPE_CHECKING:
    from anybone.engine.load import load
    from anybone.engine.options import SegmentOptions
    from anybone.engine.segmenter import Segmenter
    from anybone.engine.session import Session
    from anybone.evaluation.report import evaluate
    from anybone.io import read, read_segmentation
    from anybone.saving import write
    from anybone.server.client import connect
    from anybone.viewing import view

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
    "SegmentOptions": "anybone.engine.options",
    "Segmenter": "anybone.engine.segmenter",
    "Session": "anybone.engine.session",
    "connect": "anybone.server.client",
    "evaluate": "anybone.evaluation.report",
    "load": "anybone.engine.load",
    "read": "anybone.io",
    "read_segmentation": "anybone.io",
    "view": "anybone.viewing",
    "write": "anybone.saving",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'anybone' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

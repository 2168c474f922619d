"""Metrics: `f(prediction, truth, spacing_mm) -> float`, both masks bool "i j k" on one grid.

What happens with empty masks is part of each definition:

| | both empty | one empty |
| --- | --- | --- |
| dice, iou, nsd_2mm | 1 | 0 |
| volume_error | 0 | -1 for an empty prediction, infinite for an empty truth |
| hd95_mm, assd_mm | 0 | infinite |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from anybone.metrics.calibration import expected_calibration_error
from anybone.metrics.detection import Detection, detection
from anybone.metrics.overlap import Mask, Spacing, dice, iou, volume_error
from anybone.metrics.surface import SurfaceDistances, assd_mm, hd95_mm, nsd

METRICS: Mapping[str, Callable[[Mask, Mask, Spacing], float]] = {
    "dice": dice,
    "iou": iou,
    "volume_error": volume_error,
    "hd95_mm": hd95_mm,
    "assd_mm": assd_mm,
    "nsd_2mm": nsd,
}

__all__ = [
    "METRICS",
    "Detection",
    "SurfaceDistances",
    "assd_mm",
    "detection",
    "dice",
    "expected_calibration_error",
    "hd95_mm",
    "iou",
    "nsd",
    "volume_error",
]

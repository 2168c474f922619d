"""Exporters: what a segmentation is turned into besides a mask file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from anybone.export.preview import write_preview
from anybone.export.table import ComponentStatistics, statistics, write_statistics
from anybone.segmentation import Segmentation
from anybone.volume import Volume

Exporter = Callable[[Volume, Segmentation, Path], None]


def _write_statistics(volume: Volume, segmentation: Segmentation, path: Path) -> None:
    write_statistics(segmentation, path)


EXPORTERS: Mapping[str, Exporter] = {
    "preview": write_preview,  # .png
    "statistics": _write_statistics,  # .json and .csv
}

__all__ = ["EXPORTERS", "ComponentStatistics", "Exporter", "statistics", "write_preview", "write_statistics"]

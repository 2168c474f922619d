"""Exporters: what a segmentation is turned into besides a mask file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from anybone.core.errors import WriteError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export.dicom_seg import write_dicom_seg
from anybone.export.mesh import write_glb, write_stl
from anybone.export.preview import write_preview
from anybone.export.table import ComponentStatistics, statistics, write_statistics

Exporter = Callable[[Volume, Segmentation, Path], None]

FILES: Mapping[str, Callable[[Segmentation, Path], None]] = {  # what a suffix stands for that is no image file
    ".dcm": write_dicom_seg,
    ".stl": write_stl,
    ".glb": write_glb,
}


def _write_statistics(volume: Volume, segmentation: Segmentation, path: Path) -> None:
    write_statistics(segmentation, path)


def _write_dicom_seg(volume: Volume, segmentation: Segmentation, path: Path) -> None:
    if not segmentation.geometry.matches(volume.geometry):
        raise WriteError("The bones do not lie on the volume's grid. Give the volume that they were found in.")
    write_dicom_seg(replace(segmentation, source=volume.source), path)


EXPORTERS: Mapping[str, Exporter] = {
    "preview": write_preview,  # .png
    "statistics": _write_statistics,  # .json and .csv
    "dicom_seg": _write_dicom_seg,  # .dcm
    "stl": lambda volume, segmentation, path: write_stl(segmentation, path),
    "glb": lambda volume, segmentation, path: write_glb(segmentation, path),
}

__all__ = [
    "EXPORTERS",
    "FILES",
    "ComponentStatistics",
    "Exporter",
    "statistics",
    "write_dicom_seg",
    "write_glb",
    "write_preview",
    "write_statistics",
    "write_stl",
]

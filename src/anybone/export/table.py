"""Statistics of a segmentation, of each label and of each connected part of it, as rows, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.atomic import write_whole
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation

_DECIMALS = 3  # in files: a micrometre
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class ComponentStatistics:
    """Measurements of one label, or of one connected component of it.

    Attributes:
        label: Label number.
        name: Its name.
        component: 0 for the whole label; 1, 2, ... for its 26-connected components, largest first.
        voxels: How many there are.
        volume_mm3: Their volume.
        slices: How many slices along the acquisition axis have any.
        first_slice: The first of these.
        last_slice: The last of these.
        min_ijk: Lowest voxel index on each axis.
        max_ijk: Highest voxel index on each axis, included.
        min_ras_mm: Lowest world coordinate that a voxel of it reaches to, with the voxel's own extent.
        max_ras_mm: Highest world coordinate that a voxel of it reaches to.
        centroid_ras_mm: Mean world position.
        confidence: The share of its voxels that the network expects to be bone, 0..1: the mean of their probabilities;
            None where the segmentation has no calibrated ones.
    """

    label: int
    name: str
    component: int
    voxels: int
    volume_mm3: float
    slices: int
    first_slice: int
    last_slice: int
    min_ijk: tuple[int, int, int]
    max_ijk: tuple[int, int, int]
    min_ras_mm: Triple
    max_ras_mm: Triple
    centroid_ras_mm: Triple
    confidence: float | None = None


def statistics(segmentation: Segmentation) -> list[ComponentStatistics]:
    """One row for each label that occurs, followed by one for each of its parts; none for an empty segmentation."""
    rows = []
    for label in np.unique(segmentation.labels[segmentation.mask]).tolist():
        parts = list(_parts(segmentation.labels == label))
        whole = np.concatenate(parts)
        for component, indices in enumerate([whole, *parts]):
            row = _row(segmentation.geometry, label, segmentation.names[label], component, indices)
            rows.append(replace(row, confidence=_confidence(segmentation, indices)))
    return rows


def write_statistics(segmentation: Segmentation, path: Path) -> None:
    """Write the statistics as JSON and as CSV.

    Raises:
        WriteError: The files cannot be written.
    """
    rows = [{key: _rounded(value) for key, value in asdict(row).items()} for row in statistics(segmentation)]
    geometry = segmentation.geometry
    content = {
        "shape_ijk": geometry.shape_ijk,
        "spacing_mm": _rounded(geometry.spacing_mm),
        "orientation": geometry.orientation,
        "slice_axis": geometry.slice_axis,
        "confidence": None if segmentation.confidence is None else asdict(segmentation.confidence),
        "rows": rows,
    }
    flat = [dict(_flat(row)) for row in rows]
    columns = list(flat[0]) if flat else list(ComponentStatistics.__dataclass_fields__)
    table = io.StringIO()
    writer = csv.DictWriter(table, columns)
    writer.writeheader()
    writer.writerows(flat)
    write_whole(path.with_suffix(".json"), json.dumps(content, indent=2) + "\n")
    write_whole(path.with_suffix(".csv"), table.getvalue())


def _parts(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """Voxel indices "n 3" of each 26-connected part, largest part first."""
    from scipy import ndimage

    numbered, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    indices = np.argwhere(mask)
    part_of = numbered[mask] - 1
    sizes = np.bincount(part_of, minlength=count)
    starts = np.split(indices[np.argsort(part_of, kind="stable")], np.cumsum(sizes)[:-1])
    for part in np.argsort(-sizes, kind="stable"):
        yield starts[part]


def _row(geometry: Geometry, label: int, name: str, component: int, indices: NDArray[np.int64]) -> ComponentStatistics:
    world = geometry.to_world(indices)
    reach = np.abs(geometry.affine_ras_mm[:3, :3]).sum(axis=1) / 2  # from a voxel's center to its farthest corner
    slices = np.unique(indices[:, geometry.slice_axis])
    return ComponentStatistics(
        label=label,
        name=name,
        component=component,
        voxels=len(indices),
        volume_mm3=len(indices) * geometry.voxel_volume_mm3,
        slices=len(slices),
        first_slice=int(slices[0]),
        last_slice=int(slices[-1]),
        min_ijk=tuple(indices.min(axis=0).tolist()),
        max_ijk=tuple(indices.max(axis=0).tolist()),
        min_ras_mm=tuple((world.min(axis=0) - reach).tolist()),
        max_ras_mm=tuple((world.max(axis=0) + reach).tolist()),
        centroid_ras_mm=tuple(world.mean(axis=0).tolist()),
    )


def _confidence(segmentation: Segmentation, indices: NDArray[np.int64]) -> float | None:
    known = segmentation.confidence
    if known is None or known.dice is None or segmentation.probability is None:
        return None
    return float(segmentation.probability[tuple(indices.T)].mean(dtype=np.float64))


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(v) for v in value]
    return round(value, _DECIMALS) if isinstance(value, float) else value


def _flat(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Cells of a CSV row: a triple becomes one column an axis, "min_ijk" -> "min_i", "min_ras_mm" -> "min_r_mm"."""
    for key, value in row.items():
        if not isinstance(value, list):
            yield key, value
            continue
        axes = "ijk" if key.endswith("_ijk") else "ras"
        for axis, number in zip(axes, value, strict=True):
            yield key.replace(f"_{axes}", f"_{axis}"), number

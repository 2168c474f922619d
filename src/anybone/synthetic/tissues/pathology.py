"""Pathology: edema and lesions in bone and soft tissue, fractures, and sometimes metal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissue import MARROW, Tissue
from anybone.synthetic.tissues.field import Field

EDEMA_SHARE, LESION_SHARE, MASS_SHARE, METAL_SHARE, FRACTURE_SHARE = 0.25, 0.15, 0.1, 0.03, 0.06
FRACTURE_MM, BRUISE_MM = (0.7, 2.0), (5.0, 15.0)  # the gap, and how far the marrow beside it is bruised


def add_pathology(field: Field, tissue: NDArray[np.uint8]) -> None:
    """Write the pathology of this patient, if any, into `tissue`."""
    rng = field.rng
    marrow = np.isin(tissue, MARROW)
    soft_tissue = (tissue == Tissue.MUSCLE) | (tissue == Tissue.FAT)
    for share, where, size, kind in (
        (EDEMA_SHARE, marrow, (6.0, 22.0), Tissue.EDEMA),
        (LESION_SHARE, marrow, (3.0, 12.0), Tissue.LESION),
        (MASS_SHARE, soft_tissue, (8.0, 45.0), Tissue.LESION),
        (EDEMA_SHARE, soft_tissue, (8.0, 30.0), Tissue.EDEMA),
        (METAL_SHARE, marrow, (2.0, 4.0), Tissue.METAL),
    ):
        if rng.random() < share and where.any():
            tissue[where & _blob(field, where, rng.uniform(*size))] = kind
    if rng.random() < FRACTURE_SHARE and marrow.any():
        _break(field, tissue, marrow)


def _break(field: Field, tissue: NDArray[np.uint8], marrow: NDArray[np.bool_]) -> None:
    """Write an uneven fracture through one bone: fluid in the gap, edema in the marrow on both sides."""
    rng = field.rng
    places = np.flatnonzero(marrow)
    index = np.array(np.unravel_index(places[rng.integers(len(places))], field.shape))
    bone = np.nonzero(field.bone == field.bone[tuple(index)])
    normal = rng.normal(size=3)
    away = (field.geometry.to_world(np.stack(bone, 1)) - field.geometry.to_world(index)) @ (
        normal / np.linalg.norm(normal)
    )
    away = np.abs(away + 1.2 * field.noise(10)[bone])
    kinds = tissue[bone]
    kinds[(away < rng.uniform(*BRUISE_MM)) & np.isin(kinds, MARROW)] = Tissue.EDEMA
    kinds[away < max(rng.uniform(*FRACTURE_MM), field.spacing_mm) / 2] = Tissue.FLUID
    tissue[bone] = kinds


def _blob(field: Field, where: NDArray[np.bool_], radius_mm: float) -> NDArray[np.bool_]:
    """Return an uneven ball around a random place of a mask."""
    places = np.flatnonzero(where)
    index = np.array(np.unravel_index(places[field.rng.integers(len(places))], field.shape))
    center = field.geometry.to_world(index)
    squared = sum((field.axis_mm(axis) - center[axis]) ** 2 for axis in range(3))
    return np.asarray(np.sqrt(squared) < radius_mm * (1 + 0.25 * field.noise(max(4.0, radius_mm / 2))))

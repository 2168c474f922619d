"""Joint positions, computed from the bones themselves. Left limbs: the middle of the body is toward +x."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.rigid import sphere
from anybone.synthetic.scene import Mesh

Array = NDArray[np.float64]

_HEAD_MM = 70.0  # the head of the femur lies in so much of its upper end
CONDYLE_MM = 38.0  # so much of the lower end of the femur is condyles


def femoral_head(femur: Mesh) -> tuple[Array, float]:
    """Middle and radius in mm of the head of a left femur."""
    at = femur.vertices_mm
    upper = at[at[:, 2] > at[:, 2].max() - _HEAD_MM]
    inner = upper[upper[:, 0] > np.quantile(upper[:, 0], 0.75)]
    middle, radius = sphere(inner)
    for _ in range(6):
        away = np.linalg.norm(upper - middle, axis=1)
        medial = (upper - middle)[:, 0] > -0.3 * radius
        inner = upper[(np.abs(away - radius) < 2.0) & medial]
        middle, radius = sphere(inner)
    return middle, radius


def knee_axis(femur: Mesh) -> tuple[Array, Array]:
    """Middle of the knee and the unit vector of its axis to the right, through the backs of both condyles."""
    at = femur.vertices_mm
    lower = at[at[:, 2] < at[:, 2].min() + CONDYLE_MM]
    rear = lower[lower[:, 1] < np.median(lower[:, 1])]
    split = (lower[:, 0].min() + lower[:, 0].max()) / 2
    lateral = sphere(rear[rear[:, 0] < split - 6])[0]
    medial = sphere(rear[rear[:, 0] > split + 6])[0]
    axis = medial - lateral
    return (lateral + medial) / 2, axis / np.linalg.norm(axis)


def shaft_axis(mesh: Mesh) -> Array:
    """Return the unit vector up a long bone that stands roughly upright."""
    at = mesh.vertices_mm
    low, high = np.quantile(at[:, 2], [0.25, 0.75])
    axis = at[at[:, 2] > high].mean(axis=0) - at[at[:, 2] < low].mean(axis=0)
    return np.asarray(axis / np.linalg.norm(axis))


def end_of(mesh: Mesh, upper: bool, share: float = 0.04) -> Array:
    """Return the middle of the upper or lower end of a long bone."""
    at = mesh.vertices_mm
    low, high = at[:, 2].min(), at[:, 2].max()
    near = at[:, 2] > high - share * (high - low) if upper else at[:, 2] < low + share * (high - low)
    return np.asarray(at[near].mean(axis=0))

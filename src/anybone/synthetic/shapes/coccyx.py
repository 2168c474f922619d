"""A coccyx made of numbers."""

from __future__ import annotations

import numpy as np

from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes.solids import Space, ellipsoid, united


def coccyx(sacrum: Mesh) -> Mesh:
    """Return a coccyx below a sacrum: four segments, each smaller and more anterior."""
    at = sacrum.vertices_mm
    tip = at[np.argsort(at[:, 2])[: max(20, len(at) // 200)]].mean(axis=0)
    space = Space.box((-17, -10, -44), (17, 26, 6), 1.0)
    field = ellipsoid(space, (0, 0, -6), (13, 6, 6.5))
    for middle, radii in (((0, 2.5, -15), (9, 5, 6)), ((0, 7, -22.5), (7, 4.5, 5.5)), ((0, 12, -28), (5.5, 4.5, 5))):
        field = united(field, ellipsoid(space, middle, radii), 3.0)
    return space.mesh(field).moved(np.eye(3), tip)

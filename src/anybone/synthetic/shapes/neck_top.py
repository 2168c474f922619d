"""Atlas and axis made of numbers: the ring with its lateral masses, and the body with the dens."""

from __future__ import annotations

import numpy as np

from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes.solids import Space, bar, column, ellipsoid, united, without

_SPACING_MM = 1.1


def atlas_mesh(size: float = 1.0) -> Mesh:
    """C1 in its own frame, in mm; 0 lies between the lateral masses, where the dens stands behind the front arch."""
    space, halves = _space((-44, -36, -15), (44, 18, 15), size)
    ring = bar(halves, (0, 13, 0), (13, 8, 0), (3.2, 3.6), (1, 1, 1.5))  # front arch
    ring = united(ring, ellipsoid(halves, (18, 0, 0), (8.5, 11, 9)), 2.5)
    ring = united(ring, bar(halves, (20, -7, 1), (17, -20, 1), (3.0, 3.0), (1, 1, 1.3)), 2)
    ring = united(ring, bar(halves, (17, -20, 1), (0, -28, 0), (3.0, 3.8), (1, 1, 1.4)), 2)
    ring = united(ring, bar(halves, (22, 0, -1), (37, -5, -2), (4.2, 3.6), (1, 1.1, 1)), 2)
    ring = without(ring, column(halves, (28, -1), (3, 3)))
    ring = without(ring, ellipsoid(halves, (18, 0, 14), (9, 13, 8.5)))  # the sockets of the skull's condyles
    return space.mesh(ring)


def axis_mesh(size: float = 1.0) -> Mesh:
    """C2 in its own frame, in mm; 0 is the middle of its body, the dens rises 28 mm above it."""
    space, halves = _space((-32, -56, -20), (32, 14, 36), size)
    body = bar(halves, (0, 0, -7), (0, 1, 5), (8.2, 7.5), (1.12, 0.9, 1))
    body = united(body, bar(halves, (0, 1, 6), (0, -0.5, 24), (5.2, 5.0), (1, 1.05, 1)), 2)
    body = united(body, ellipsoid(halves, (15.5, -3, 6), (8.5, 9, 5.5)), 2.5)
    body = united(body, bar(halves, (16, -8, 3), (19, -19, -10), (4.4, 5.0)), 2)
    body = united(body, bar(halves, (19, -14, -3), (0, -28, -5), (2.8, 3.6), (1, 1, 2.0)), 2.5)
    body = united(body, bar(halves, (0, -29, -6), (4.5, -44, -11), (4.0, 3.6), (1, 1, 1.5)), 2.5)
    body = united(body, bar(halves, (16, -5, -1), (26, -10, -6), (3.4, 3.0)), 2)
    body = without(body, column(halves, (0, -17), (11.5, 8.5)))
    body = without(body, bar(halves, (22, -4, -14), (22, -5, 14), (2.7, 2.7)))
    return space.mesh(body)


def _space(low: tuple[float, ...], high: tuple[float, ...], size: float) -> tuple[Space, Space]:
    """Return the grid in mm, and its places in units of an ordinary neck, right folded onto left."""
    space = Space.box([c * size for c in low], [c * size for c in high], _SPACING_MM)
    unit = np.float32(1 / size)
    x, y, z = (np.asarray(axis * unit, dtype=np.float32) for axis in (np.abs(space.x), space.y, space.z))
    return space, Space(space.geometry, x, y, z)

"""Manubrium and sternum, cut out of the skeleton's mesh of sternum and rib cartilages."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from anybone.synthetic.mesh import grid_around
from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes.skeleton import articulated
from anybone.synthetic.surface_nets import surface
from anybone.synthetic.voxelize import voxelize

_SPACING_MM = 1.2
_MANUBRIUM_MM = 48.0
_GAP_MM = 2.0
# Half widths in mm at shares of the way from the top to the tip of the xiphoid process.
_HALF_WIDTHS = ((0.0, 0.22, 0.27, 0.34, 0.55, 0.78, 0.84, 1.0), (31, 22, 15, 15, 18, 19, 8, 4))


@lru_cache(maxsize=1)
def breastbone() -> dict[str, Mesh]:
    """Return "manubrium" and "sternum" at their places in the skeleton at rest, in RAS mm."""
    from scipy.ndimage import gaussian_filter

    whole = articulated(["sternum"]).bones["sternum"]
    grid = grid_around(whole, _SPACING_MM)
    inside = gaussian_filter(voxelize(whole, grid).astype(np.float32), 0.7) - 0.5
    low = grid.affine_ras_mm[:3, 3]
    x = (low[0] + _SPACING_MM * np.arange(grid.shape_ijk[0]))[:, None, None]
    z = np.broadcast_to(low[2] + _SPACING_MM * np.arange(grid.shape_ijk[2]), inside.shape)
    middle = np.broadcast_to(np.abs(x) < 10, inside.shape)
    tip = float(z[(inside > 0) & middle].min())
    top = float(z[(inside > 0) & middle].max())
    share = (top - z) / (top - tip)
    kept = np.minimum(inside * 4, (np.interp(share, *_HALF_WIDTHS) - np.abs(x)) / 2)
    cut = top - _MANUBRIUM_MM - z
    return {
        "manubrium": surface(np.minimum(kept, (-cut - _GAP_MM / 2) / 2), grid),
        "sternum": surface(np.minimum(kept, (cut - _GAP_MM / 2) / 2), grid),
    }

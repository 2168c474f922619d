from __future__ import annotations

import numpy as np

from anybone.synthetic.mesh import open_edges, welded
from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes.patches import patch_surface


def test_a_quadrilateral_patch_follows_a_polynomial_through_its_nodes() -> None:
    weights, faces = patch_surface({"elements": {"0": "0 quad44"}, "connectivity": {}}, 6)
    at = np.array([(i / 3, j / 3) for i in range(4) for j in range(4)])
    nodes = np.column_stack([at, at[:, 0] ** 3 - 2 * at[:, 0] * at[:, 1] ** 2])
    fine = weights @ nodes
    assert fine.shape == (49, 3)
    assert faces.shape == (72, 3)
    assert np.allclose(fine[:, 2], fine[:, 0] ** 3 - 2 * fine[:, 0] * fine[:, 1] ** 2)


def test_a_triangular_patch_follows_a_polynomial_through_its_nodes() -> None:
    weights, faces = patch_surface({"elements": {"0": "0 tri10"}, "connectivity": {}}, 5)
    at = np.array([(i / 3, j / 3) for j in range(4) for i in range(4 - j)])
    fine = weights @ np.column_stack([at, at[:, 0] * at[:, 1] ** 2])
    assert faces.shape == (25, 3)
    assert np.allclose(fine[:, 2], fine[:, 0] * fine[:, 1] ** 2)


def test_patches_that_share_their_borders_close() -> None:
    """Two patches, front and back of a cushion: the nodes of their rims are shared."""
    rim = [n for n in range(16) if n // 4 in (0, 3) or n % 4 in (0, 3)]
    shared = {f"1_{n}": f"0_{n}" for n in rim}
    weights, faces = patch_surface({"elements": {"0": "0 quad44", "1": "0 quad44"}, "connectivity": shared}, 6)
    assert weights.shape[1] == 16 + 4
    front = np.array([(i, j, 0.5 * (n not in rim)) for n, (i, j) in enumerate(np.ndindex(4, 4))])
    back = [(*front[n][:2], -0.5) for n in range(16) if n not in rim]
    cushion = welded(Mesh(weights @ np.vstack([front, back]), faces))
    assert len(cushion.vertices_mm) == 24 + 2 * 25
    assert len(open_edges(cushion)) == 0

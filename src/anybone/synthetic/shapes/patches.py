"""Surfaces made of patches: quadrilaterals and triangles whose shape is a polynomial through a few nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_QUADS = {"quad55": (5, 5), "quad54": (4, 5), "quad44": (4, 4)}  # rows and columns of nodes
_TRIANGLES = {"tri15": 4, "tri10": 3}  # the order: one less than the nodes along an edge


def patch_surface(topology: Mapping[str, Any], steps: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the weights "v n" (vertices = weights @ nodes) and faces "f 3" of a patched surface.

    Vertices on the border of two patches come twice, at one place: weld them. Faces of a patch turn one way, those of
    its neighbor may turn the other: orient them.

    Args:
        topology: "elements" gives each patch its kind, "connectivity" the nodes that patches share.
        steps: Into how many pieces an edge of a patch is cut.
    """
    patches, count = _nodes_of_patches(topology)
    weights, faces, start = [], [], 0
    for kind, nodes in patches:
        local, triangles = _quad(*_QUADS[kind], steps) if kind in _QUADS else _triangle(_TRIANGLES[kind], steps)
        rows = np.zeros((len(local), count))
        np.add.at(rows.T, nodes, local.T)
        weights.append(rows)
        faces.append(triangles + start)
        start += len(local)
    return np.concatenate(weights), np.concatenate(faces).astype(np.int32)


def _nodes_of_patches(topology: Mapping[str, Any]) -> tuple[list[tuple[str, list[int]]], int]:
    """Kind and node numbers of each patch, and the number of nodes; a shared node has the number it got first."""
    numbers: dict[str, int] = {}
    patches, count = [], 0
    for patch in sorted(topology["elements"], key=int):
        kind = topology["elements"][patch].split()[1]
        nodes = []
        for local in range(_nodes_in(kind)):
            name = f"{patch}_{local}"
            shared = [numbers[other] for other in topology["connectivity"].get(name, "").split() if other in numbers]
            numbers[name] = shared[0] if shared else count
            count += not shared
            nodes.append(numbers[name])
        patches.append((kind, nodes))
    return patches, count


def _nodes_in(kind: str) -> int:
    if kind in _QUADS:
        return _QUADS[kind][0] * _QUADS[kind][1]
    return (_TRIANGLES[kind] + 1) * (_TRIANGLES[kind] + 2) // 2


def _lagrange(nodes: int, steps: int) -> NDArray[np.float64]:
    """Weights "steps+1 nodes" of evenly spaced nodes at evenly spaced places."""
    at, place = np.linspace(0, 1, nodes), np.linspace(0, 1, steps + 1)
    columns = [
        np.prod([(place - at[m]) / (at[j] - at[m]) for m in range(nodes) if m != j], axis=0) for j in range(nodes)
    ]
    return np.stack(columns, axis=1)


def _quad(rows: int, columns: int, steps: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    local = np.asarray(np.kron(_lagrange(rows, steps), _lagrange(columns, steps)), dtype=np.float64)
    corner = np.arange((steps + 1) ** 2).reshape(steps + 1, steps + 1)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]))
    return local, np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])


def _triangle(order: int, steps: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    def grid(n: int) -> list[tuple[int, int]]:
        return [(i, j) for j in range(n + 1) for i in range(n + 1 - j)]

    def powers(n: int) -> NDArray[np.float64]:
        return np.array([[(i / n) ** u * (j / n) ** v for u, v in grid(order)] for i, j in grid(n)])

    local = np.asarray(np.linalg.solve(powers(order).T, powers(steps).T).T, dtype=np.float64)
    number = {place: n for n, place in enumerate(grid(steps))}
    up = [(number[i, j], number[i + 1, j], number[i, j + 1]) for i, j in grid(steps - 1)]
    down = [(number[i + 1, j], number[i + 1, j + 1], number[i, j + 1]) for i, j in grid(steps - 2)]
    return local, np.array(up + down)

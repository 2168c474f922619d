"""Operations on surfaces: weld, close, split, join, orient, subdivide, smooth, mirror, remesh."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry
from anybone.synthetic.scene import Mesh
from anybone.synthetic.surface_nets import surface
from anybone.synthetic.voxelize import touched

_SKIN_SHARE = 0.85
_TAUBIN_SHRINK, _TAUBIN_GROW = 0.5, -0.53  # Taubin 1995: pass band 1/0.5 - 1/0.53 of the mesh's frequencies


def welded(mesh: Mesh, tolerance_mm: float = 1e-3) -> Mesh:
    """Return the mesh with vertices merged that are nearer than about `tolerance_mm`, without degenerate faces."""
    keys = np.round(mesh.vertices_mm / tolerance_mm).astype(np.int64)
    _, first, number = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return _proper(mesh.vertices_mm[first], number.ravel()[mesh.faces])


def _proper(vertices_mm: NDArray[np.float64], faces: NDArray[np.integer]) -> Mesh:
    """Return a mesh without faces that name a vertex twice and without unused vertices."""
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    used, number = np.unique(faces, return_inverse=True)
    return Mesh(vertices_mm[used], number.reshape(-1, 3).astype(np.int32))


def edges_of(mesh: Mesh) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Each edge once "e 2", which of them the sides ab, bc, ca of each face are "3f", and how many faces each has."""
    ends = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1).astype(np.int64)
    count = len(mesh.vertices_mm)  # one number for both ends: far faster to sort than pairs
    keys, number, uses = np.unique(ends[:, 0] * count + ends[:, 1], return_inverse=True, return_counts=True)
    return np.stack(np.divmod(keys, count), axis=1), number.ravel(), uses


def open_edges(mesh: Mesh) -> NDArray[np.int32]:
    """Return the directed edges "e 2" that belong to a single face: none for a closed surface."""
    _, number, uses = edges_of(mesh)
    return np.asarray(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)[uses[number] == 1])


def is_closed(mesh: Mesh) -> bool:
    """Return whether each edge has as many faces in one direction as in the other: no holes, fins or flips."""
    ends = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    count = len(mesh.vertices_mm)
    there, back = ends[:, 0] * count + ends[:, 1], ends[:, 1] * count + ends[:, 0]
    return bool(np.array_equal(np.sort(there), np.sort(back)))


def closed(mesh: Mesh) -> Mesh:
    """Return the mesh with each hole filled by a fan of triangles around the hole's middle."""
    rim = open_edges(mesh)
    if not len(rim):
        return mesh
    corner = np.unique(rim)
    loop = _labels_of(np.searchsorted(corner, rim), len(corner))
    middles = np.stack([mesh.vertices_mm[corner[loop == n]].mean(axis=0) for n in range(loop.max() + 1)])
    tips = len(mesh.vertices_mm) + loop[np.searchsorted(corner, rim[:, 0])]
    fans = np.column_stack([rim[:, 1], rim[:, 0], tips])
    return Mesh(np.vstack([mesh.vertices_mm, middles]), np.vstack([mesh.faces, fans]).astype(np.int32))


def parts(mesh: Mesh) -> list[Mesh]:
    """Return the connected components of a mesh, largest first."""
    edges = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    label = _labels_of(edges, len(mesh.vertices_mm))[mesh.faces[:, 0]]
    pieces = [_proper(mesh.vertices_mm, mesh.faces[label == n]) for n in np.unique(label)]
    return sorted(pieces, key=lambda piece: -len(piece.faces))


def _labels_of(edges: NDArray[np.integer], count: int) -> NDArray[np.int32]:
    """Return the number of the connected component that each of `count` nodes belongs to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges), dtype=bool), edges.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def joined(meshes: Iterable[Mesh]) -> Mesh:
    """One mesh of several, side by side."""
    vertices, faces, count = [], [], 0
    for mesh in meshes:
        vertices.append(mesh.vertices_mm)
        faces.append(mesh.faces + count)
        count += len(mesh.vertices_mm)
    return Mesh(np.concatenate(vertices), np.concatenate(faces).astype(np.int32))


def mirrored(mesh: Mesh) -> Mesh:
    """Return the mesh of the other side of the body: x becomes -x."""
    return mesh.moved(np.diag([-1.0, 1.0, 1.0]), np.zeros(3))


def facing_out(mesh: Mesh) -> Mesh:
    """Return the mesh, turned inside out if its volume is negative."""
    return mesh if mesh.volume_mm3 >= 0 else Mesh(mesh.vertices_mm, mesh.faces[:, ::-1])


def oriented(mesh: Mesh) -> Mesh:
    """Return the mesh with faces oriented outward; for one component whose edges have two faces each."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    ends = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    face = np.repeat(np.arange(len(mesh.faces)), 3)
    order = np.lexsort(np.sort(ends, axis=1).T)
    upward = (ends[:, 0] < ends[:, 1])[order]
    key = np.sort(ends, axis=1)[order]
    pair = np.flatnonzero((key[1:] == key[:-1]).all(axis=1))
    one, other = face[order][pair], face[order][pair + 1]
    same = upward[pair] == upward[pair + 1]  # both faces run along the edge one way: one of them is wrong
    graph = coo_array((np.where(same, 2, 1), (one, other)), shape=(len(mesh.faces),) * 2).tocsr()
    graph = graph.maximum(graph.T)
    visited, parent = breadth_first_order(graph, 0, directed=False)
    flipped = np.zeros(len(mesh.faces), dtype=bool)
    turn = np.asarray(graph[parent[visited[1:]], visited[1:]]).ravel() == 2
    for place, child in enumerate(visited[1:]):
        flipped[child] = flipped[parent[child]] ^ turn[place]
    return facing_out(Mesh(mesh.vertices_mm, np.where(flipped[:, None], mesh.faces[:, ::-1], mesh.faces)))


def smoothed(mesh: Mesh, rounds: int = 8) -> Mesh:
    """Return the mesh after `rounds` of Taubin smoothing, which levels facets and preserves the volume."""
    from scipy.sparse import coo_array

    edges, _, _ = edges_of(mesh)
    both = np.vstack([edges, edges[:, ::-1]])
    count = len(mesh.vertices_mm)
    graph = coo_array((np.ones(len(both)), both.T), shape=(count, count)).tocsr()
    neighbors = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1)[:, None]
    at = mesh.vertices_mm
    for _ in range(rounds):
        for step in (_TAUBIN_SHRINK, _TAUBIN_GROW):
            at = at + step * (graph @ at / neighbors - at)
    return Mesh(at, mesh.faces)


def subdivided(mesh: Mesh) -> Mesh:
    """Four triangles for each, rounded as Loop's scheme does it; the rim of a hole becomes a smooth curve."""
    count = len(mesh.vertices_mm)
    edges, number, uses = edges_of(mesh)
    opposite = np.zeros((len(edges), 3))
    np.add.at(opposite, number, mesh.vertices_mm[mesh.faces[:, [2, 0, 1]].ravel()])
    ends = mesh.vertices_mm[edges].sum(axis=1)
    middle = np.where((uses == 2)[:, None], ends * 3 / 8 + opposite / 8, ends / 2)
    at = _loop_vertices(mesh.vertices_mm, edges, uses == 1)
    ab, bc, ca = count + number.reshape(-1, 3).T
    a, b, c = mesh.faces.T
    faces = np.concatenate([np.column_stack(t) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
    return Mesh(np.vstack([at, middle]), faces.astype(np.int32))


def _loop_vertices(at: NDArray[np.float64], edges: NDArray[np.intp], rim: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the old vertices moved by Loop's scheme (Warren's weights); rim vertices follow the rim alone."""
    sums, degree = _sum_over_edges(at, edges)
    valence = np.maximum(degree, 1)
    beta = np.where(valence == 3, 3 / 16, 3 / (8 * valence))[:, None]
    moved = (1 - valence[:, None] * beta) * at + beta * sums
    if rim.any():
        sums, degree = _sum_over_edges(at, edges[rim])
        on_rim = degree > 0
        share = sums[on_rim] / degree[on_rim, None]
        moved[on_rim] = 0.75 * at[on_rim] + 0.25 * share
    return np.asarray(moved)


def _sum_over_edges(at: NDArray[np.float64], edges: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    sums = np.zeros_like(at)
    np.add.at(sums, edges[:, 0], at[edges[:, 1]])
    np.add.at(sums, edges[:, 1], at[edges[:, 0]])
    return sums, np.bincount(edges.ravel(), minlength=len(at))


def refined(mesh: Mesh, faces: int = 4000) -> Mesh:
    """Return the mesh subdivided to at least `faces` triangles and smoothed, scaled to its original volume."""
    fine = mesh
    while len(fine.faces) < faces:
        fine = subdivided(fine)
    fine = smoothed(fine, 4)
    middle = fine.vertices_mm.mean(axis=0)
    growth = abs(mesh.volume_mm3 / fine.volume_mm3) ** (1 / 3) if fine.volume_mm3 else 1.0
    return Mesh((fine.vertices_mm - middle) * growth + middle, fine.faces)


def hull(mesh: Mesh) -> Mesh:
    """Return the convex hull of the mesh."""
    from scipy.spatial import ConvexHull

    found = ConvexHull(mesh.vertices_mm)
    return oriented(_proper(mesh.vertices_mm, found.simplices))


def grid_around(mesh: Mesh, spacing_mm: float, margin_mm: float = 4.0) -> Geometry:
    """Return a grid of cubes along R, A, S that contains the mesh and a margin."""
    low, high = mesh.bounds_mm
    shape = np.ceil((high - low + 2 * margin_mm) / spacing_mm).astype(int) + 1
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = low - margin_mm
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def remeshed(mesh: Mesh, spacing_mm: float = 1.0) -> Mesh:
    """Return a closed surface of even triangles around the solid: repairs seams, fins and overlaps.

    Args:
        mesh: Its holes closed; edges need not match.
        spacing_mm: Roughly the edge length of the new triangles.
    """
    from scipy.ndimage import gaussian_filter, label

    grid = grid_around(mesh, spacing_mm / 2)
    skin = touched(mesh, grid)
    rooms, _ = label(~skin)  # voxels that share a face: none of these steps leads through the skin
    inside = ~skin & (rooms != rooms[0, 0, 0])
    # Skin lies half inside; counted as a little more, sheets that are nothing but skin stay.
    field = gaussian_filter(inside + _SKIN_SHARE * skin.astype(np.float32), 1.1) - 0.5
    coarse = grid.affine_ras_mm.copy()
    coarse[:3, :3] *= 2
    field = field[::2, ::2, ::2]
    return smoothed(surface(field, Geometry(field.shape, coarse)), 3)

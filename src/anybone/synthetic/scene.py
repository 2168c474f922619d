"""A posed part of the body: surfaces of bones and paths of muscles in the patient's millimeters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import UsageError


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface of triangles.

    Args:
        vertices_mm: "v 3" float64.
        faces: "f 3" int32 indices of vertices, counter-clockwise seen from outside.

    Raises:
        UsageError: An array has another shape, or a face names a vertex that does not exist.
    """

    vertices_mm: NDArray[np.float64]
    faces: NDArray[np.int32]

    def __post_init__(self) -> None:
        vertices = np.ascontiguousarray(self.vertices_mm, dtype=np.float64)
        faces = np.ascontiguousarray(self.faces, dtype=np.int32)
        if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
            raise UsageError(
                f"A mesh needs vertices (v, 3) and faces (f, 3); found {vertices.shape} and {faces.shape}. "
                "Give one row a vertex and one row a triangle."
            )
        if faces.size and (faces.min() < 0 or faces.max() >= len(vertices)):
            raise UsageError(
                f"Faces name vertices {faces.min()} to {faces.max()}, but there are {len(vertices)}. "
                "Number vertices from 0."
            )
        object.__setattr__(self, "vertices_mm", vertices)
        object.__setattr__(self, "faces", faces)

    @property
    def bounds_mm(self) -> NDArray[np.float64]:
        """Lowest and highest corner, "2 3", in mm."""
        return np.stack([self.vertices_mm.min(axis=0), self.vertices_mm.max(axis=0)])

    @property
    def volume_mm3(self) -> float:
        """Volume inside in mm3; right for a closed surface whose faces look outwards."""
        a, b, c = (self.vertices_mm[self.faces[:, corner]] for corner in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

    def moved(self, matrix: NDArray[np.float64], offset_mm: NDArray[np.float64]) -> Mesh:
        """Return the mesh with each vertex v at `matrix @ v + offset_mm`; faces stay outward under a reflection."""
        faces = self.faces if np.linalg.det(matrix) > 0 else self.faces[:, ::-1]
        return Mesh(self.vertices_mm @ np.asarray(matrix).T + offset_mm, faces)


@dataclass(frozen=True, eq=False)
class MusclePath:
    """A muscle, its tendons included, as a tube along a line.

    Args:
        points_mm: "p 3" float64, from origin to insertion.
        radius_mm: Radius of the belly at its widest.
        cord: Whether it is a tendon all along, as thick everywhere.
    """

    points_mm: NDArray[np.float64]
    radius_mm: float
    cord: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """A piece of a body, posed: what the tissues are grown around.

    Args:
        bones: Surfaces in RAS mm by the names of `anybone.core.labels`. Where two overlap, the earlier one wins.
        muscles: Paths in RAS mm by name ("vastus lateralis"); may be empty.
        center_mm: RAS mm of the middle of the field of view.
        extent_mm: Size of the field of view along R, A and S in mm; bones may reach beyond it.
        region: A key of `REGIONS`.
        side: "left", "right" or "both".
        credits: One line of attribution for each source of shapes that was used.
        canal: The middle of the spinal canal and its mean radius, head to foot, where the field holds spine.
        surfaces: Surfaces of structures that are not bone ("cranial cavity", "airway"), in RAS mm; may be empty.
    """

    bones: Mapping[str, Mesh]
    muscles: Mapping[str, MusclePath]
    center_mm: NDArray[np.float64]
    extent_mm: NDArray[np.float64]
    region: str
    side: str
    credits: tuple[str, ...]
    canal: MusclePath | None = None
    surfaces: Mapping[str, Mesh] = field(default_factory=dict)

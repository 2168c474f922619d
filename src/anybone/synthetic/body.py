"""A body while it is being put together: bones, paths of muscles, and places that matter, all in RAS mm."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.mesh import mirrored
from anybone.synthetic.rigid import Move
from anybone.synthetic.scene import Mesh, MusclePath

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Body:
    """Part of a body.

    Attributes:
        bones: Bones by the names of `anybone.core.labels`.
        muscles: Muscles by name.
        places_mm: Points that a field of view can be centered on ("left knee").
        credits: Credits of the shapes.
        canal: Points down the middle of the spinal canal "p 3" and its radius; None where there is no spine.
        surfaces: Surfaces of structures that are not bone.
    """

    bones: Mapping[str, Mesh]
    muscles: Mapping[str, MusclePath] = field(default_factory=dict)
    places_mm: Mapping[str, Array] = field(default_factory=dict)
    credits: tuple[str, ...] = ()
    canal: MusclePath | None = None
    surfaces: Mapping[str, Mesh] = field(default_factory=dict)

    def moved(self, points: Callable[[Array], Array]) -> Body:
        """Return the body with every point displaced; `points` must preserve handedness."""

        def path(muscle: MusclePath) -> MusclePath:
            return replace(muscle, points_mm=points(muscle.points_mm))

        return replace(
            self,
            bones={name: Mesh(points(mesh.vertices_mm), mesh.faces) for name, mesh in self.bones.items()},
            muscles={name: path(muscle) for name, muscle in self.muscles.items()},
            places_mm={name: points(place[None])[0] for name, place in self.places_mm.items()},
            canal=path(self.canal) if self.canal else None,
            surfaces={name: Mesh(points(mesh.vertices_mm), mesh.faces) for name, mesh in self.surfaces.items()},
        )

    def other_side(self) -> Body:
        """Return the mirror image: left is right, in names too."""
        flip = np.array([-1.0, 1.0, 1.0])

        def path(muscle: MusclePath) -> MusclePath:
            return replace(muscle, points_mm=muscle.points_mm * flip)

        return replace(
            self,
            bones={swapped(name): mirrored(mesh) for name, mesh in self.bones.items()},
            muscles={swapped(name): path(muscle) for name, muscle in self.muscles.items()},
            places_mm={swapped(name): place * flip for name, place in self.places_mm.items()},
            canal=path(self.canal) if self.canal else None,
            surfaces={swapped(name): mirrored(mesh) for name, mesh in self.surfaces.items()},
        )

    def within(self, center_mm: Array, extent_mm: Array) -> Body:
        """Return the body without structures that are completely outside a box."""
        low, high = center_mm - extent_mm / 2, center_mm + extent_mm / 2

        def meets(points: Array) -> bool:
            return bool((points.max(axis=0) > low).all() and (points.min(axis=0) < high).all())

        return replace(
            self,
            bones={n: mesh for n, mesh in self.bones.items() if meets(mesh.vertices_mm)},
            muscles={n: muscle for n, muscle in self.muscles.items() if meets(muscle.points_mm)},
            canal=self.canal if self.canal and meets(self.canal.points_mm) else None,
            surfaces={n: mesh for n, mesh in self.surfaces.items() if meets(mesh.vertices_mm)},
        )


def united(first: Body, *others: Body) -> Body:
    """All of them in one; of two things of one name the later one stays."""
    result = first
    for other in others:
        result = Body(
            {**result.bones, **other.bones},
            {**result.muscles, **other.muscles},
            {**result.places_mm, **other.places_mm},
            (*result.credits, *(line for line in other.credits if line not in result.credits)),
            other.canal or result.canal,
            {**result.surfaces, **other.surfaces},
        )
    return result


def rigidly(body: Body, move: Move, names: Collection[str]) -> Body:
    """Return the body with the named bones moved; unknown names are ignored."""
    return replace(body, bones={n: move.mesh(mesh) if n in names else mesh for n, mesh in body.bones.items()})


def swapped(name: str) -> str:
    """Return the name of the same structure on the other side of the body."""
    for here, there in (("left ", "right "), ("right ", "left ")):
        if name.startswith(here):
            return there + name[len(here) :]
    return name

"""Ligaments of a left knee: both cruciates and both collaterals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anybone.synthetic.body import Array
from anybone.synthetic.posing.joints import CONDYLE_MM, end_of, knee_axis, shaft_axis
from anybone.synthetic.rigid import Move
from anybone.synthetic.scene import Mesh, MusclePath

# Where they are fixed, as shares of the condyles' breadth from the knee's axis or the plateau's middle: outwards, to
# the front, upwards; after Gray's Anatomy.
_FEMORAL = {"anterior cruciate": (0.09, -0.13, 0.01), "posterior cruciate": (-0.1, 0.02, -0.03)}
_TIBIAL = {"anterior cruciate": (-0.02, 0.13, 0.0), "posterior cruciate": (0.0, -0.28, -0.12)}
_CRUCIATE_MM = {"anterior cruciate": 3.4, "posterior cruciate": 4.2}
_APART_MM = 2.2  # half, between the two strands of a cruciate
_MEDIAL_DOWN_MM, _MEDIAL_MM = 55.0, 1.6  # below the plateau; radius
_MEDIAL_STRANDS_MM = (-8.0, -4.0, 0.0, 4.0)  # to the front
_LATERAL_MM, _OFF_MM = 1.9, 1.5  # radius; from bone to where a collateral runs


def knee_ligaments(bones: Mapping[str, Mesh], moves: Mapping[str, Move]) -> dict[str, MusclePath]:
    """Paths of the ligaments of a posed left knee.

    Args:
        bones: Bones of the left leg, at rest.
        moves: Moves from rest to the pose.
    """
    femur, tibia, fibula = (bones[f"left {name}"] for name in ("femur", "tibia", "fibula"))
    middle, axis = knee_axis(femur)
    up = shaft_axis(tibia)
    out = axis * np.sign((fibula.vertices_mm.mean(axis=0) - tibia.vertices_mm.mean(axis=0)) @ axis)
    frame = np.stack([out, np.cross(out, up) * np.sign(np.cross(out, up) @ _ahead(bones, middle)), up])
    condyles = femur.vertices_mm[femur.vertices_mm[:, 2] < femur.vertices_mm[:, 2].min() + CONDYLE_MM]
    breadth = float(np.ptp(condyles @ out))
    plateau = end_of(tibia, upper=True)
    plateau = plateau + up * float(((tibia.vertices_mm - plateau) @ up).max() - 4.0)
    upper, lower = moves["left femur"], moves["left tibia"]
    found = {}
    for name, radius in _CRUCIATE_MM.items():
        for number, shift in enumerate((-_APART_MM, _APART_MM), 1):
            ends = [
                move(origin + breadth * np.array(at) @ frame + shift * frame[1])
                for move, origin, at in ((upper, middle, _FEMORAL[name]), (lower, plateau, _TIBIAL[name]))
            ]
            found[f"left {name} ligament {number}"] = MusclePath(np.stack(ends), radius, cord=True)
    inner = (
        _side(femur, middle, -frame[0]),
        *(_side(tibia, plateau - down * frame[2], -frame[0]) for down in (12.0, _MEDIAL_DOWN_MM)),
    )
    for number, forward in enumerate(_MEDIAL_STRANDS_MM, 1):
        points = [move(p + forward * frame[1]) for move, p in zip((upper, lower, lower), inner, strict=True)]
        found[f"left medial collateral ligament {number}"] = MusclePath(np.stack(points), _MEDIAL_MM, cord=True)
    head = fibula.vertices_mm[(fibula.vertices_mm @ up).argmax()]
    points = [upper(_side(femur, middle, frame[0])), moves["left fibula"](head + _OFF_MM * frame[0])]
    found["left lateral collateral ligament"] = MusclePath(np.stack(points), _LATERAL_MM, cord=True)
    return found


def _ahead(bones: Mapping[str, Mesh], middle_mm: Array) -> Array:
    """From the knee's middle to its patella."""
    return np.asarray(bones["left patella"].vertices_mm.mean(axis=0) - middle_mm)


def _side(bone: Mesh, from_mm: Array, direction: Array) -> Array:
    """Just beyond the surface of a bone, from a point within it on."""
    away = bone.vertices_mm - from_mm
    along = away @ direction
    near = np.linalg.norm(away - along[:, None] * direction, axis=1) < 8.0
    return np.asarray(from_mm + (float(along[near].max()) + _OFF_MM) * direction)

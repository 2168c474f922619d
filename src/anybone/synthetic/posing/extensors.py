"""The front of a left knee: thigh muscles end at the patella, its ligament leads on, pads of fat lie behind both."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anybone.synthetic.body import Array
from anybone.synthetic.scene import Mesh, MusclePath

EXTENSORS = ("left recfem", "left vasint", "left vaslat", "left vasmed")
_STRANDS = (-2, -1, 0, 1, 2)  # of the ligament, beside one another
_STRAND_MM, _APART_MM = 2.5, 4.8  # radius; from middle to middle
_END_SHARE = 0.12  # of the patella, from its tip or from its upper end on
_PAD_HALF_MM = 19.0  # from the knee's middle to either side
_PAD_DEEP_MM, _NEAR_MM = 16.0, 58.0  # how far it reaches back along femur and tibia; what is near the patella's tip
_PAD_TOP_SHARE = 0.45  # of the patella, from its tip on, that the pad reaches up behind it
_ABOVE_MM, _ABOVE_HALF_MM = 45.0, 15.0  # height of the pad above it, and half of its breadth
_ABOVE_DEEP_MM, _ABOVE_THIN_MM = 18.0, 3.0  # how far it reaches back along the femur; least thickness


def extensors(
    paths: Mapping[str, MusclePath], segments: Mapping[str, list[str]], bones: Mapping[str, Mesh]
) -> tuple[dict[str, MusclePath], dict[str, Mesh]]:
    """Paths in place of those of the thigh's extensors, and the surfaces of the fat pads below and above the patella.

    Args:
        paths: Paths of the left leg's muscles, posed.
        segments: The bone that carries each point of each.
        bones: Bones of the left leg, posed.
    """
    found = dict(paths)
    insertions = []
    for name in EXTENSORS:
        pole = segments[name].index("left patella")  # the upper one: the first that the patella carries
        found[name] = MusclePath(paths[name].points_mm[: pole + 1], paths[name].radius_mm)
        insertions.append(paths[name].points_mm[-1])
    patella, tuberosity = bones["left patella"].vertices_mm, np.mean(insertions, axis=0)
    middle = patella.mean(axis=0)
    down = _unit(tuberosity - middle)
    reach = (patella - middle) @ down
    tip = patella[reach > reach.max() - _END_SHARE * np.ptp(reach)].mean(axis=0)
    condyles = bones["left femur"].vertices_mm
    condyles = condyles[np.linalg.norm(condyles - middle, axis=1) < _NEAR_MM]
    sideways = _unit(np.cross(down, condyles.mean(axis=0) - middle))
    front = _unit(np.cross(sideways, down)) * np.sign(np.cross(sideways, down) @ (middle - condyles.mean(axis=0)))
    for number in _STRANDS:
        shift = number * _APART_MM * sideways
        found[f"left patellar ligament {number + 3}"] = MusclePath(
            np.stack([tip + 0.8 * shift, (tip + tuberosity) / 2 + shift, tuberosity + shift]), _STRAND_MM, cord=True
        )
    lower = patella[reach > reach.max() - _PAD_TOP_SHARE * np.ptp(reach)]
    pad = [lower, np.linspace(tip, tuberosity, 5)]
    for name in ("left femur", "left tibia"):
        points = bones[name].vertices_mm
        near = (np.abs((points - middle) @ sideways) < _PAD_HALF_MM) & (np.linalg.norm(points - tip, axis=1) < _NEAR_MM)
        points = points[near]
        ahead = points @ front
        pad.append(points[ahead > ahead.max(initial=-np.inf) - _PAD_DEEP_MM])
    above = _above(bones["left femur"].vertices_mm, condyles.mean(axis=0), patella, sideways)
    return found, {"left infrapatellar fat pad": _hull(np.concatenate(pad)), "left prefemoral fat pad": _hull(above)}


def _above(femur: Array, condyles: Array, patella: Array, sideways: Array) -> Array:
    """Points around the fat between femur and tendon above the patella: a wedge, thin at its upper end."""
    up = _unit(femur.mean(axis=0) - condyles)
    ahead = _unit(np.cross(sideways, up))
    ahead = ahead * np.sign(ahead @ (patella.mean(axis=0) - condyles))
    reach = patella @ up
    pole = patella[reach > reach.max() - _END_SHARE * np.ptp(reach)]
    height = (femur - pole.mean(axis=0)) @ up
    near = (height > 0) & (height < _ABOVE_MM) & (np.abs((femur - pole.mean(axis=0)) @ sideways) < _ABOVE_HALF_MM)
    surface = femur[near]
    surface = surface[surface @ ahead > (surface @ ahead).max(initial=-np.inf) - _ABOVE_DEEP_MM]
    return np.concatenate([pole, surface, surface + _ABOVE_THIN_MM * ahead])


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _hull(points_mm: Array) -> Mesh:
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points_mm)
    number = np.zeros(len(points_mm), dtype=np.int32)
    number[hull.vertices] = np.arange(len(hull.vertices))
    return Mesh(points_mm[hull.vertices], number[hull.simplices])

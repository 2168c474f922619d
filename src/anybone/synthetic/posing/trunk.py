"""Trunks: chest with ribs and girdles, neck with head, and the lumbar spine on its pelvis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from anybone.synthetic.body import Body, united
from anybone.synthetic.posing.arm import GIRDLE, arm
from anybone.synthetic.posing.spine import canal_of, sacral_endplate, spine_of, stacked, standing
from anybone.synthetic.rigid import Move, turned
from anybone.synthetic.scene import MusclePath
from anybone.synthetic.shapes import lower_limb, skeleton
from anybone.synthetic.shapes.breastbone import breastbone
from anybone.synthetic.shapes.coccyx import coccyx
from anybone.synthetic.shapes.head import airway_mesh, cranial_cavity_mesh, hyoid_mesh, mandible_mesh, skull_mesh
from anybone.synthetic.shapes.vertebra import LEVELS

PARAMETRIC = "Vertebrae, hyoid and coccyx: made from published measures (Panjabi et al. 1991, 1992)"

_LUMBAR = ("L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10")
_LUMBAR_MUSCLES = ("MF_", "LTp", "IL_", "QL_", "Ps_", "glm", "ili", "pir")  # how their names begin
_HYOID_BEFORE_MM = (0.0, 42.0, -6.0)  # from the middle of C3


def chest(
    rng: np.random.Generator, angles_deg: Mapping[str, float], girdles: tuple[str, ...] = ("left", "right")
) -> Body:
    """Spine from C6 to L2, ribs, breastbone, and the girdles with the upper arms of the given sides."""
    spine = _standing_spine(rng, LEVELS[LEVELS.index("C6") : LEVELS.index("L2") + 1])
    sides = ("left", "right")
    ribs = skeleton.articulated([f"{side} rib {number}" for side in sides for number in range(1, 13)])
    muscles = {name: path for name, path in ribs.muscles.items() if name[:3] in ("LTp", "IL_", "EO1", "EO2", "IO1")}
    middle = np.mean([mesh.bounds_mm.mean(axis=0) for mesh in breastbone().values()], axis=0)
    places = {"chest": (middle + spine.bones["T6 vertebra"].bounds_mm.mean(axis=0)) / 2}
    surfaces = {"rib cartilage": skeleton.articulated(["sternum"]).bones["sternum"]}
    body = united(
        spine, Body({**ribs.bones, **breastbone()}, sided(muscles), places, skeleton.CREDITS, surfaces=surfaces)
    )
    if "left" in girdles:
        body = united(body, arm(rng, angles_deg, GIRDLE))
    if "right" in girdles:
        body = united(body, arm(rng, angles_deg, GIRDLE).other_side())
    return body


def neck(rng: np.random.Generator, angles_deg: Mapping[str, float], below: str = "T4") -> Body:
    """Head and spine down to `below`, upper ribs, clavicles, manubrium; bent by "neck_flexion" and so on."""
    levels = LEVELS[: LEVELS.index(below) + 1]
    spine = _standing_spine(rng, levels)
    third = standing()[0]["C3"].offset_mm
    bones = {
        **spine.bones,
        "skull": skull_mesh(),
        "mandible": mandible_mesh().moved(np.eye(3), np.array([0.0, 0.0, -rng.uniform(0, 6)])),
        "hyoid bone": hyoid_mesh().moved(np.eye(3), third + _HYOID_BEFORE_MM),
        "manubrium": breastbone()["manubrium"],
    }
    wanted = [
        f"{side} {bone}" for side in ("left", "right") for bone in ("rib 1", "rib 2", "rib 3", "clavicle", "scapula")
    ]
    bones |= skeleton.articulated(wanted).bones
    places = {**spine.places_mm, "skull base": third + np.array([0.0, 22.0, 42.0])}
    middles = {level: place.offset_mm for level, place in standing()[0].items() if level in levels}
    surfaces = {"cranial cavity": cranial_cavity_mesh(), "airway": airway_mesh(middles)}
    body = Body(bones, {}, places, (PARAMETRIC, *skeleton.CREDITS), spine.canal, surfaces)
    return body.moved(lambda points: _bent_neck(points, angles_deg))


def _bent_neck(points_mm: np.ndarray, angles_deg: Mapping[str, float]) -> np.ndarray:
    """Points of head and neck turned about C7, the more the higher they lie: wholly from the skull's base on."""
    frames = standing()[0]
    foot, top = frames["C7"].offset_mm, frames["C1"].offset_mm
    share = np.clip((points_mm[:, 2] - foot[2]) / (top[2] - foot[2]), 0, 1)
    bent = points_mm
    for name, axis in (("neck_flexion", (-1, 0, 0)), ("neck_tilt", (0, 1, 0)), ("neck_rotation", (0, 0, 1))):
        angle = angles_deg.get(name, 0.0)
        if angle:
            bent = _turned_by(bent, share * angle, np.array(axis, dtype=float), foot)
    return bent


def _turned_by(points: np.ndarray, angles_deg: np.ndarray, axis: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Each point turned by an angle of its own about one axis (Rodrigues)."""
    away, angle = points - center, np.radians(angles_deg)[:, None]
    along = axis * (away @ axis)[:, None]
    return np.asarray(center + along + (away - along) * np.cos(angle) + np.cross(axis, away) * np.sin(angle))


def _standing_spine(rng: np.random.Generator, levels: tuple[str, ...]) -> Body:
    frames, sizes = standing()
    frames = {level: frames[level] for level in levels}
    bones = spine_of(frames, rng, sizes)
    places = {f"{level} vertebra": place.offset_mm for level, place in frames.items()}
    return Body(bones, {}, places, (PARAMETRIC,), canal_of(frames, levels))


def lumbar(rng: np.random.Generator, lordosis_deg: float) -> Body:
    """Return a lumbar spine on its sacrum, with the hip bones, the lower thoracic vertebrae and their ribs."""
    pelvis = {
        name: mesh
        for name, mesh in lower_limb.lower_limb(rng).items()
        if name in ("sacrum", "left hip bone", "right hip bone")
    }
    base = sacral_endplate(pelvis["sacrum"])
    # People lie with the sacrum tilted less than the shape model stands.
    tilt = turned(rng.uniform(-4, 12), (1, 0, 0), base.offset_mm)
    pelvis = {name: tilt.mesh(mesh) for name, mesh in pelvis.items()}
    base = tilt.after(base)
    frames, sizes = stacked(base, _LUMBAR, rng, float(rng.uniform(0.97, 1.1)), lordosis_deg)
    bones = {**pelvis, "coccyx": coccyx(pelvis["sacrum"]), **spine_of(frames, rng, sizes)}
    there, there_sizes = standing()
    rest = skeleton.articulated([f"{side} rib {n}" for side in ("left", "right") for n in (10, 11, 12)])
    carried = {level: _carried(frames[level], there[level], sizes[level] / there_sizes[level]) for level in frames}
    for name, mesh in rest.bones.items():
        bones[name] = carried[f"T{name.split()[-1]}"].mesh(mesh)
    levels = [level for level in LEVELS if level in frames]
    places = {f"{level} vertebra": frames[level].offset_mm for level in levels}
    places |= {"sacrum": pelvis["sacrum"].bounds_mm.mean(axis=0)}
    foot = base(np.array([[0.0, -18.0 - 9.0, -8.0]]))
    canal = canal_of(frames, levels)
    canal = replace(canal, points_mm=np.vstack([canal.points_mm, foot]))
    credits = (PARAMETRIC, lower_limb.CREDIT, *skeleton.CREDITS)
    return Body(bones, _lumbar_muscles(rest, carried), places, credits, canal)


def _carried(here: Move, there: Move, size: float) -> Move:
    """From where something lies about a vertebra of the skeleton at rest to where it lies about this one."""
    return Move(here.matrix * size, here.offset_mm).after(there.inverse())


def _lumbar_muscles(rest: skeleton.Articulated, carried: Mapping[str, Move]) -> dict[str, MusclePath]:
    """Those of back, lumbar spine and buttocks, each point carried by its vertebra."""
    moves = {f"lumbar{n}": carried[f"L{n}"] for n in range(1, 6)} | {"torso": carried["T12"], "sacrum": carried["L5"]}
    found = {}
    for name, path in rest.muscles.items():
        bodies = rest.segments[name]
        if name[:3] in _LUMBAR_MUSCLES and set(bodies) <= {*moves, "pelvis", "femur_r", "femur_l"}:
            points = [moves.get(b, carried["L5"])(p) for b, p in zip(bodies, path.points_mm, strict=True)]
            found[name] = MusclePath(np.stack(points), path.radius_mm)
    return sided(found)


def sided(muscles: Mapping[str, MusclePath]) -> dict[str, MusclePath]:
    """Muscles of the trunk under names that begin with their side."""
    sides = {"_r": "right", "_l": "left"}
    return {f"{sides[name[-2:]]} {name[:-2]}": path for name, path in muscles.items() if name[-2:] in sides}

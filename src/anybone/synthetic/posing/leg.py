"""A pelvis and a left leg of one person, bent at hip, knee, ankle and toes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from anybone.synthetic.body import Array, Body
from anybone.synthetic.contact import seat, vertex_normals
from anybone.synthetic.mesh import joined, mirrored
from anybone.synthetic.posing.extensors import extensors
from anybone.synthetic.posing.joints import CONDYLE_MM, end_of, femoral_head, knee_axis, shaft_axis
from anybone.synthetic.posing.ligaments import knee_ligaments
from anybone.synthetic.posing.lower_leg import lower_leg_muscles
from anybone.synthetic.posing.muscle_bellies import ended
from anybone.synthetic.posing.small_muscles import foot_muscles, tendons_cut
from anybone.synthetic.rigid import REST, Move, aligned, fitted, laid_upright, shifted, sphere, turned
from anybone.synthetic.scene import Mesh, MusclePath
from anybone.synthetic.shapes import lower_limb, skeleton, visible_human
from anybone.synthetic.shapes.coccyx import coccyx
from anybone.synthetic.shapes.mesh_parts import FOOT

_PATELLA_SHARE = 0.6  # of the knee's flexion
_KNEE_GAP_MM, _PATELLA_GAP_MM, _HIP_GAP_MM, _ANKLE_GAP_MM = (3.0, 5.0), (2.5, 4.5), (3.0, 5.0), (2.2, 3.5)
_SOLE_DEG = 8.0  # the line from the heel to the second metatarsal rises above the sole by so much
_PATELLA_LATERAL_MM = (1.0, 7.0)
_OF_TOES = ("edl", "ehl", "fdl", "fhl")
# How far down the thigh bellies reach, and the radius of their tendons.
_THIGH = {"tfl": 0.3, "recfem": 0.8, "grac": 0.78, "semiten": 0.74, "bflh": 0.86}
_TENDON_MM = 2.4
_LOWER_LEG_FRACTION = 0.5  # how often tibia and fibula too come from the user's surfaces
_MODEL_SEGMENTS = {  # bodies of the articulated skeleton, and the bone that carries each here
    "pelvis": "left hip bone",
    "femur_l": "left femur",
    "patella_l": "left patella",
    "tibia_l": "left tibia",
    "talus_l": "left talus",
    "calcn_l": "left talus",
    "toes_l": "left talus",
}


def leg(rng: np.random.Generator, angles_deg: Mapping[str, float], shapes: Path | None = None) -> Body:
    """Return the pelvis and the left leg with foot of a random person; without `angles_deg` nearly straight.

    Args:
        rng: Draws the person and the width of the joints.
        angles_deg: "hip_flexion", "hip_abduction", "hip_rotation", "knee_flexion", "ankle_flexion" (to the back of
            the foot), "foot_inversion", "toe_flexion".
        shapes: Folder of the Visible Human's leg, from which tibia, fibula and foot are taken if given.
    """
    bones = lower_limb.lower_limb(rng)
    foot, fit, credit = _foot(bones, rng, angles_deg, shapes)
    muscles, segments = _muscles(fit)
    moves = _joints(bones, angles_deg, rng)
    posed = {name: moves.get(name, REST).mesh(mesh) for name, mesh in bones.items()}
    below = moves["left tibia"].after(_ankle(bones, foot, angles_deg, rng))
    posed |= {name: below.mesh(mesh) for name, mesh in foot.items()}
    carried = {**moves, "left talus": below}
    paths = {
        name: MusclePath(
            np.stack([carried.get(s, REST)(p) for p, s in zip(path.points_mm, segments[name], strict=True)]),
            path.radius_mm,
        )
        for name, path in muscles.items()
    }
    places = _places(posed)
    paths, pads = extensors(paths, segments, posed)
    paths = ended(paths, _THIGH, places["hip"], places["knee"], _TENDON_MM)
    paths = lower_leg_muscles(tendons_cut(paths, _OF_TOES, places["ankle"]), posed)
    paths = {**paths, **foot_muscles(posed), **knee_ligaments(bones, moves)}
    return Body(posed, paths, places, (lower_limb.CREDIT, *credit), surfaces=pads)


def pelvis_with_legs(rng: np.random.Generator, angles_deg: Mapping[str, float]) -> Body:
    """Return the pelvis with coccyx and both legs down to the knee; the right leg mirrors the left one."""
    person = leg(rng, angles_deg)
    left, right = person.bones["left hip bone"], person.bones["right hip bone"]
    flipped = mirrored(left)
    shift = right.bounds_mm.mean(axis=0) - flipped.bounds_mm.mean(axis=0)
    across = aligned(flipped, right, shifted(shift), scale=False)
    swing = turned(float(rng.normal(0, 3)), (1, 0, 0), across(person.other_side().places_mm["hip"]))
    other = person.other_side().moved(lambda points: swing(across(points)))
    kept = {name: mesh for name, mesh in other.bones.items() if name.startswith("right ") and "hip" not in name}
    bones = {**person.bones, **kept, "coccyx": coccyx(person.bones["sacrum"])}
    return replace(
        person,
        bones=bones,
        muscles={**person.muscles, **other.muscles},
        surfaces={**person.surfaces, **other.surfaces},
    )


def _joints(bones: Mapping[str, Mesh], angles_deg: Mapping[str, float], rng: np.random.Generator) -> dict[str, Move]:
    """For each bone of the leg the move from the shape model's rest to its place."""
    head, radius = femoral_head(bones["left femur"])
    socket = _socket(bones["left hip bone"], head, radius)
    hip = Move(np.eye(3), socket - head)
    for direction, name in zip(np.eye(3), ("hip_flexion", "hip_abduction", "hip_rotation"), strict=True):
        hip = turned(angles_deg.get(name, 0.0), direction, socket).after(hip)
    middle, axis = knee_axis(bones["left femur"])
    flexion = angles_deg.get("knee_flexion", 0.0)
    up = shaft_axis(bones["left tibia"])
    bent = turned(-flexion, axis, middle)
    tibia, femur = bent.mesh(bones["left tibia"]), bones["left femur"]
    knee = seat(tibia, femur, -(bent.matrix @ up), rng.uniform(*_KNEE_GAP_MM), middle, 45.0, 0.1).after(bent)
    tilted = turned(-_PATELLA_SHARE * flexion, axis, middle)
    front = tilted.matrix @ np.cross(up, axis)
    tilted = tilted.after(_tracked(bones["left patella"], femur, axis, rng.uniform(*_PATELLA_LATERAL_MM)))
    patella = tilted.mesh(bones["left patella"])
    at = patella.vertices_mm.mean(axis=0)
    kneecap = seat(patella, femur, front, rng.uniform(*_PATELLA_GAP_MM), at, 32.0, 0.35).after(tilted)
    return {
        "left femur": hip,
        "left tibia": hip.after(knee),
        "left fibula": hip.after(knee),
        "left patella": hip.after(kneecap),
    }


def _tracked(patella: Mesh, femur: Mesh, axis: Array, lateral_mm: float) -> Move:
    """Return the shift of the patella along the knee's axis that leaves it `lateral_mm` lateral of the trochlea."""
    at = femur.vertices_mm
    across = at[at[:, 2] < at[:, 2].min() + CONDYLE_MM] @ axis
    wanted = (across.min() + across.max()) / 2 - lateral_mm
    return shifted(axis * (wanted - float((patella.vertices_mm @ axis).mean())))


def _socket(hip_bone: Mesh, head_mm: Array, radius_mm: float) -> Array:
    """Middle of the acetabulum: of the sphere through what looks at the head of the femur from around it."""
    toward = head_mm - hip_bone.vertices_mm
    distance = np.linalg.norm(toward, axis=1)
    looking = (toward * vertex_normals(hip_bone)).sum(axis=1) > 0.7 * distance
    around = hip_bone.vertices_mm[looking & (distance < radius_mm + 12)]
    middle, radius = sphere(around)
    near = np.abs(np.linalg.norm(around - middle, axis=1) - radius) < 3  # without the fossa and the rim
    return sphere(around[near])[0]


def _foot(
    bones: dict[str, Mesh], rng: np.random.Generator, angles_deg: Mapping[str, float], shapes: Path | None
) -> tuple[dict[str, Mesh], dict[str, Move], tuple[str, ...]]:
    """Bones of the foot at the leg's rest, how the articulated skeleton lies on this person, and credits."""
    mean = lower_limb.lower_limb(rng, 0.0)
    fit = {
        name: fitted(mean[name].vertices_mm, bones[name].vertices_mm).after(move) for name, move in _on_mean().items()
    }
    if shapes is not None:
        found, laid = visible_human.leg_onto(shapes, str(rng.choice(["vhf", "vhm"])))
        onto = fitted(mean["left tibia"].vertices_mm, bones["left tibia"].vertices_mm).after(laid)
        whole = {name: onto.mesh(mesh) for name, mesh in found.items()}
        lower_leg = {name: whole.pop(name) for name in ("left tibia", "left fibula")}
        if rng.random() < _LOWER_LEG_FRACTION:
            bones |= lower_leg
        return whole, fit, (visible_human.CREDIT,)
    model = skeleton.articulated(
        [f"left {name}" for name in FOOT], {"mtp_angle_l": -angles_deg.get("toe_flexion", 0.0)}
    )
    found = {name: fit["left tibia"].mesh(mesh) for name, mesh in model.bones.items()}
    talus, heel = found["left talus"], found["left calcaneus"]
    below = heel.vertices_mm.mean(axis=0) - talus.vertices_mm.mean(axis=0)
    lowered = seat(heel, talus, below, rng.uniform(*_ANKLE_GAP_MM), talus.vertices_mm.mean(axis=0), 24.0, 0.2)
    return found | {"left calcaneus": lowered.mesh(heel)}, fit, skeleton.CREDITS


@lru_cache(maxsize=1)
def _on_mean() -> dict[str, Move]:
    """For each bone of the leg the move from the articulated skeleton to the mean of the shape model."""
    names = ("left femur", "left tibia", "left fibula", "left patella")
    mean = lower_limb.lower_limb(np.random.default_rng(0), 0.0)
    rest = skeleton.articulated(names).bones
    # A tibia alone may turn about itself: its fibula holds it.
    lower_leg = laid_upright(
        joined([rest["left tibia"], rest["left fibula"]]), joined([mean["left tibia"], mean["left fibula"]])
    )
    return {
        "left femur": laid_upright(rest["left femur"], mean["left femur"]),
        "left patella": laid_upright(rest["left patella"], mean["left patella"]),
        "left tibia": lower_leg,
    }


def _ankle(
    bones: Mapping[str, Mesh], foot: Mapping[str, Mesh], angles_deg: Mapping[str, float], rng: np.random.Generator
) -> Move:
    """Return the move of the foot from rest: bent about the talus, then seated below the tibia."""
    talus, tibia = foot["left talus"], bones["left tibia"]
    middle = talus.vertices_mm.mean(axis=0)
    heel = foot["left calcaneus"].vertices_mm.mean(axis=0)
    long = foot["left metatarsal 2"].vertices_mm.mean(axis=0) - heel
    up = shaft_axis(tibia)
    side = np.cross(long, up)
    bend = turned(angles_deg.get("foot_inversion", 0.0), long, middle)
    # Whatever the angle in which the foot came: at 0 the sole is square to the lower leg.
    now = np.degrees(np.arcsin(long @ up / np.linalg.norm(long))) - _SOLE_DEG
    bend = turned(angles_deg.get("ankle_flexion", 0.0) - now, side, middle).after(bend)
    under = end_of(tibia, upper=False)
    return seat(bend.mesh(talus), tibia, -up, rng.uniform(*_ANKLE_GAP_MM), under, 16.0, 0.15).after(bend)


def _muscles(fit: Mapping[str, Move]) -> tuple[dict[str, MusclePath], dict[str, list[str]]]:
    """Paths of the left leg's muscles at rest, and the bone that carries each of their points."""
    model = skeleton.articulated(())
    paths, segments = {}, {}
    for name, path in model.muscles.items():
        bodies = model.segments[name]
        if not name.endswith("_l") or not set(bodies) <= set(_MODEL_SEGMENTS):
            continue
        carriers = [_MODEL_SEGMENTS[body] for body in bodies]
        laid = [_fit_of(carrier, fit)(point) for carrier, point in zip(carriers, path.points_mm, strict=True)]
        scale = float(np.cbrt(np.linalg.det(fit["left femur"].matrix)))
        paths[f"left {name[:-2]}"] = MusclePath(np.stack(laid), path.radius_mm * scale)
        segments[f"left {name[:-2]}"] = carriers
    return paths, segments


def _fit_of(carrier: str, fit: Mapping[str, Move]) -> Move:
    """Return the moves of a bone's surroundings: the pelvis follows the femur at rest, the foot the tibia."""
    return fit.get(carrier, fit["left femur" if carrier == "left hip bone" else "left tibia"])


def _places(bones: Mapping[str, Mesh]) -> dict[str, Array]:
    """Points that fields of view are centered on."""
    tibia = bones["left tibia"]
    ankle = bones["left talus"].vertices_mm.mean(axis=0)
    upper = end_of(tibia, upper=True)
    return {
        "hip": femoral_head(bones["left femur"])[0],
        "thigh": (femoral_head(bones["left femur"])[0] + upper) / 2,
        "knee": upper + np.array([0.0, 8.0, 8.0]),
        "lower leg": (upper + ankle) / 2,
        "ankle": ankle,
        "foot": np.mean([bones[f"left {n}"].vertices_mm.mean(axis=0) for n in ("navicular", "metatarsal 3")], axis=0),
        "pelvis": np.mean([bones[n].bounds_mm.mean(axis=0) for n in ("left hip bone", "right hip bone")], axis=0),
        "sacrum": bones["sacrum"].bounds_mm.mean(axis=0),
    }

"""A left shoulder girdle and arm of one person, bent at shoulder, elbow, forearm, wrist, thumb and fingers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from anybone.synthetic.body import Array, Body, rigidly
from anybone.synthetic.contact import seat
from anybone.synthetic.mesh import joined
from anybone.synthetic.posing.joints import end_of
from anybone.synthetic.posing.muscle_bellies import ended, flattened
from anybone.synthetic.posing.small_muscles import hand_muscles, tendons_cut
from anybone.synthetic.rigid import Move, turned
from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes import skeleton
from anybone.synthetic.shapes.mesh_parts import HAND

GIRDLE = ("clavicle", "scapula", "humerus")
FOREARM = ("radius", "ulna", *HAND)
_FINGERS = range(2, 6)
_OF_FINGERS = ("FDS", "FDP", "EDC", "EDM", "EIP", "EPL", "EPB", "FPL", "APL")  # muscles that end in long tendons

_STAYING = frozenset({"left clavicle", "left scapula"})
_LEFT_HAND = frozenset(f"left {name}" for name in HAND)
_SHOULDER_GAP_MM, _ELBOW_GAP_MM, _WRIST_GAP_MM, _GLENOID_MM = (3.0, 5.5), (1.8, 3.0), (1.0, 2.0), 17.0

_ULNAR_HEAD_MM, _GIVE_DEG = 14.0, 6.0

# How far down the forearm bellies reach, and the radius of their tendons.
_BELLIES = {"BRD": 0.55, "ECRL": 0.45, "ECRB": 0.55, "ECU": 0.75, "FCR": 0.58, "FCU": 0.88, "PL": 0.5, "FDS": 0.76}
_BELLIES |= {"FDP": 0.82, "FPL": 0.84, "EDC": 0.72, "EDM": 0.74, "EIP": 0.9, "EPL": 0.84, "EPB": 0.88, "APL": 0.84}
_TENDON_MM = 1.9
_SQUARE, _SQUARE_SHAPE = "PQ", (40.0, 6, 4.0)  # pronator quadratus: breadth in mm, parts, their radius in mm

_IN_HAND = ("OP", "RI", "UI", "LU")  # those are laid along the bones

# Joints of the articulated skeleton by the names used here, with the sign of the angle.
_JOINTS = {
    "shoulder_abduction": "shoulder_elv",
    "shoulder_plane": "elv_angle",
    "shoulder_rotation": "shoulder_rot",
    "elbow_flexion": "elbow_flex",
    "pronation": "pro_sup",
    "wrist_flexion": "flexion",
    "wrist_deviation": "deviation",
    "thumb_abduction": "cmc_abduction",
    "thumb_flexion": "cmc_flexion",
}


def arm(rng: np.random.Generator, angles_deg: Mapping[str, float], bones: tuple[str, ...]) -> Body:
    """Return the named bones of a left arm, the forearm hanging down where the elbow is straight.

    Args:
        rng: Draws how each finger is bent.
        angles_deg: Keys of `_JOINTS`, and "finger_flexion", "finger_spread": means, about which fingers differ.
        bones: Without side ("humerus"), of `GIRDLE` and `FOREARM`.
    """
    angles = {f"{joint}_l": angles_deg.get(name, 0.0) for name, joint in _JOINTS.items()}
    angles |= _finger_angles(rng, angles_deg.get("finger_flexion", 10.0), angles_deg.get("finger_spread", 0.0))
    model = skeleton.articulated([f"left {name}" for name in bones], angles)
    muscles = {
        f"left {name.removesuffix('_left')}": path
        for name, path in model.muscles.items()
        if name.endswith("_left") and not name.startswith(_IN_HAND)
    }
    elbow, wrist = model.joints_mm["elbow_flex_l"], model.joints_mm["flexion_l"]
    muscles = ended(tendons_cut(muscles, _OF_FINGERS, wrist), _BELLIES, elbow, wrist, _TENDON_MM)
    square = flattened(muscles.pop(f"left {_SQUARE}"), wrist - elbow, *_SQUARE_SHAPE)
    muscles |= {f"left {_SQUARE}{number}": part for number, part in enumerate(square, 1)}
    body = Body(model.bones, muscles, _places(model.bones, model.joints_mm), skeleton.CREDITS)
    seated = _seated(body, rng)
    return replace(seated, muscles={**seated.muscles, **hand_muscles(seated.bones)})


def _seated(body: Body, rng: np.random.Generator) -> Body:
    """Return the arm with realistic joint spaces: the skeleton's bones touch in some and gape in others."""
    return _hand_seated(_elbow_seated(_shoulder_seated(body, rng), rng), rng)


def _shoulder_seated(body: Body, rng: np.random.Generator) -> Body:
    """Return the arm with the head of the humerus near its socket."""
    if not {"left humerus", "left scapula"} <= set(body.bones):
        return body
    head = body.places_mm["shoulder"]
    outwards = head - body.bones["left scapula"].vertices_mm.mean(axis=0)
    outwards[2] *= 0.3  # the socket looks to the side and a little to the front
    gap = rng.uniform(*_SHOULDER_GAP_MM)
    move = seat(body.bones["left humerus"], body.bones["left scapula"], outwards, gap, head, _GLENOID_MM, 0.3)
    places = {name: place if name == "shoulder" else move(place) for name, place in body.places_mm.items()}
    return replace(rigidly(body, move, set(body.bones) - _STAYING), places_mm=places)


def _elbow_seated(body: Body, rng: np.random.Generator) -> Body:
    """Return the arm with the radius off the humerus, and its other end next to the ulna."""
    if not {"left humerus", "left radius", "left ulna"} <= set(body.bones):
        return body
    elbow = body.places_mm["elbow"]
    down = body.bones["left radius"].vertices_mm.mean(axis=0) - elbow
    gap = rng.uniform(*_ELBOW_GAP_MM)
    move = seat(body.bones["left radius"], body.bones["left humerus"], down, gap, elbow, 26.0, 0.25)
    body = rigidly(body, move, {"left radius", *_LEFT_HAND})
    swing = _beside(body.bones["left ulna"], body.bones["left radius"], elbow, rng.uniform(*_WRIST_GAP_MM))
    return rigidly(body, swing, {"left ulna"})


def _hand_seated(body: Body, rng: np.random.Generator) -> Body:
    """Return the arm with the hand off the radius."""
    if not {"left radius", "left lunate", "left scaphoid"} <= set(body.bones):
        return body
    row = joined([body.bones["left lunate"], body.bones["left scaphoid"]])
    at = row.vertices_mm.mean(axis=0)
    down = at - body.bones["left radius"].vertices_mm.mean(axis=0)
    move = seat(row, body.bones["left radius"], down, rng.uniform(*_WRIST_GAP_MM), at, 22.0, 0.3)
    return rigidly(body, move, _LEFT_HAND)


def _beside(ulna: Mesh, radius: Mesh, elbow_mm: Array, gap_mm: float) -> Move:
    """Return the rotation of the ulna about the elbow after which its head is next to the radius."""
    distance = np.linalg.norm(ulna.vertices_mm - elbow_mm, axis=1)
    head = ulna.vertices_mm[distance > distance.max() - _ULNAR_HEAD_MM].mean(axis=0)
    lever = head - elbow_mm
    beside = radius.vertices_mm[
        np.abs((radius.vertices_mm - head) @ lever) < _ULNAR_HEAD_MM / 2 * np.linalg.norm(lever)
    ]
    away = head - beside.mean(axis=0)
    away -= lever * (away @ lever) / (lever @ lever)
    shift = seat(ulna, radius, away, gap_mm, head, _ULNAR_HEAD_MM, 0.1).offset_mm
    angle = np.degrees(np.arctan2(float(shift @ away) / np.linalg.norm(away), np.linalg.norm(lever)))
    return turned(float(np.clip(angle, -_GIVE_DEG, _GIVE_DEG)), np.cross(lever, away), elbow_mm)


def _finger_angles(rng: np.random.Generator, flexion: float, spread: float) -> dict[str, float]:
    angles = {}
    for ray in _FINGERS:
        for joint, share in ((f"mcp{ray}_flexion", 0.8), (f"pm{ray}_flexion", 1.2), (f"md{ray}_flexion", 0.6)):
            angles[f"{joint}_l"] = max(0.0, share * flexion + rng.normal(0, 4))
        angles[f"mcp{ray}_abduction_l"] = (3.3 - ray) * spread + rng.normal(0, 1.5)
    angles["mp_flexion_l"] = -0.8 * flexion + rng.normal(0, 5)
    angles["ip_flexion_l"] = -0.8 * flexion + rng.normal(0, 5)
    return angles


def _places(bones: Mapping[str, Mesh], joints_mm: Mapping[str, Array]) -> dict[str, Array]:
    """Points that fields of view are centered on, from joints: they are there whatever the bones asked for."""
    shoulder, elbow, wrist = (joints_mm[name] for name in ("shoulder_rot_l", "elbow_flex_l", "flexion_l"))
    found = {
        "shoulder": shoulder,
        "humerus": shoulder * 0.6 + elbow * 0.4,
        "arm": (shoulder + elbow) / 2,
        "elbow": elbow,
        "forearm": (elbow + wrist) / 2,
        "wrist": wrist,
    }
    if "left metacarpal 3" in bones:
        found["hand"] = end_of(bones["left metacarpal 3"], upper=False)
    return found

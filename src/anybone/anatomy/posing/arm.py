"""A left shoulder girdle and arm of one person, bent at shoulder, elbow, forearm, wrist, thumb and fingers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anybone.anatomy.body import Array, Body
from anybone.anatomy.posing.joints import end_of
from anybone.anatomy.scene import Mesh, MusclePath
from anybone.anatomy.shapes import skeleton
from anybone.anatomy.shapes.pieces import HAND

GIRDLE = ("clavicle", "scapula", "humerus")
FOREARM = ("radius", "ulna", *HAND)
_FINGERS = range(2, 6)

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
    """The named bones of a left arm, the forearm hanging down where the elbow is straight.

    Args:
        rng: Draws how each finger is bent.
        angles_deg: Keys of `_JOINTS`, and "finger_flexion", "finger_spread": means, about which fingers differ.
        bones: Without side ("humerus"), of `GIRDLE` and `FOREARM`.
    """
    angles = {f"{joint}_l": angles_deg.get(name, 0.0) for name, joint in _JOINTS.items()}
    angles |= _finger_angles(rng, angles_deg.get("finger_flexion", 10.0), angles_deg.get("finger_spread", 0.0))
    model = skeleton.articulated([f"left {name}" for name in bones], angles)
    muscles = {
        f"left {name.removesuffix('_left')}": path for name, path in model.muscles.items() if name.endswith("_left")
    }
    return Body(model.bones, _apart_paths(muscles), _places(model.bones, model.joints_mm), skeleton.CREDITS)


def _finger_angles(rng: np.random.Generator, flexion: float, spread: float) -> dict[str, float]:
    angles = {}
    for ray in _FINGERS:
        for joint, share in ((f"mcp{ray}_flexion", 0.8), (f"pm{ray}_flexion", 1.2), (f"md{ray}_flexion", 0.6)):
            angles[f"{joint}_l"] = max(0.0, share * flexion + rng.normal(0, 4))
        angles[f"mcp{ray}_abduction_l"] = (3.3 - ray) * spread + rng.normal(0, 1.5)
    angles["mp_flexion_l"] = -0.8 * flexion + rng.normal(0, 5)
    angles["ip_flexion_l"] = -0.8 * flexion + rng.normal(0, 5)
    return angles


def _apart_paths(muscles: Mapping[str, MusclePath]) -> dict[str, MusclePath]:
    """The muscles that have a path worth drawing."""
    return {name: path for name, path in muscles.items() if len(path.points_mm) > 1}


def _places(bones: Mapping[str, Mesh], joints_mm: Mapping[str, Array]) -> dict[str, Array]:
    """Points that fields of view are centred on, from joints: they are there whatever the bones asked for."""
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

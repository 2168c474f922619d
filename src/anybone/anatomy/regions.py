"""The places of the body: what lies in the field of view, how joints may be bent, and how it is usually sliced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Range = tuple[float, float]


@dataclass(frozen=True)
class Region:
    """A place of the body.

    Attributes:
        part: Which part of a body is put together for it: "leg", "arm", "chest", "neck" or "loin".
        place: The point of that part that the field of view is centred on.
        extent_mm: Least and greatest size of the field along R, A and S.
        bones: What lies in the field, in words.
        angles_deg: Least and greatest angle of each joint.
        spacing_mm: Edge of the voxels that the field is usually built with.
        planes: How often it is sliced in each plane.
        wander_mm: How far from `place` the middle of the field may lie, along R, A and S.
        turn_deg: How far the whole may be turned about R, A and S, either way.
        sided: Whether it is one side of the body.
        gap_mm: Least distance between bones in joints.
    """

    part: str
    place: str
    extent_mm: tuple[Range, Range, Range]
    bones: str
    angles_deg: Mapping[str, Range] = field(default_factory=dict)
    spacing_mm: float = 0.7
    planes: Mapping[str, float] = field(default_factory=lambda: {"sagittal": 0.4, "coronal": 0.3, "axial": 0.3})
    wander_mm: tuple[float, float, float] = (8.0, 8.0, 12.0)
    turn_deg: tuple[float, float, float] = (6.0, 5.0, 12.0)
    sided: bool = True
    gap_mm: float = 1.6


_LONG = {"axial": 0.6, "coronal": 0.25, "sagittal": 0.15}
_SPINE = {"sagittal": 0.6, "axial": 0.3, "coronal": 0.1}
_FOOT = {"sagittal": 0.4, "axial": 0.35, "coronal": 0.25}
_FLAT = {"coronal": 0.45, "axial": 0.35, "sagittal": 0.2}
_HIP = {"hip_flexion": (-5.0, 25.0), "hip_abduction": (-4.0, 14.0), "hip_rotation": (-10.0, 25.0)}
_KNEE = {"knee_flexion": (0.0, 32.0)}
_ANKLE = {"ankle_flexion": (-32.0, 8.0), "foot_inversion": (-8.0, 10.0), "toe_flexion": (-10.0, 15.0)}
_LEG = {**_HIP, **_KNEE, **_ANKLE}
_SHOULDER = {"shoulder_abduction": (0.0, 22.0), "shoulder_plane": (-10.0, 40.0), "shoulder_rotation": (-30.0, 40.0)}
_ELBOW = {"elbow_flexion": (0.0, 40.0), "pronation": (-70.0, 70.0)}
_WRIST = {
    "pronation": (-70.0, 70.0), "wrist_flexion": (-20.0, 20.0), "wrist_deviation": (-8.0, 15.0),
    "thumb_abduction": (-15.0, 30.0), "thumb_flexion": (-20.0, 20.0), "finger_flexion": (0.0, 35.0), "finger_spread": (0.0, 6.0),
}  # fmt: skip
_NECK = {"neck_flexion": (-12.0, 12.0), "neck_tilt": (-5.0, 5.0), "neck_rotation": (-8.0, 8.0)}
_ARM_TURN = (10.0, 10.0, 40.0)

REGIONS: Mapping[str, Region] = MappingProxyType({
    "humerus": Region("arm", "humerus", ((110, 150), (110, 150), (190, 250)), "shaft of the humerus, its head or its lower end", {**_SHOULDER, **_ELBOW}, 0.8, _LONG),
    "thoracic-spine": Region("chest", "T7 vertebra", ((110, 150), (130, 170), (230, 290)), "thoracic vertebrae and the backs of the ribs", _SHOULDER, 0.9, _SPINE, sided=False),
    "lumbar-spine": Region("loin", "L3 vertebra", ((120, 160), (150, 190), (220, 270)), "T11 to S3, lower ribs, crests of the hip bones", {"lordosis": (32.0, 64.0)}, 0.8, _SPINE, sided=False),
    "forearm": Region("arm", "forearm", ((90, 120), (90, 120), (190, 240)), "radius and ulna", {**_ELBOW, **_WRIST}, 0.7, _LONG, turn_deg=_ARM_TURN),
    "pelvis": Region("pelvis", "pelvis", ((270, 310), (180, 220), (200, 240)), "hip bones, sacrum, coccyx, upper femora", _HIP, 1.1, {"coronal": 0.45, "axial": 0.45, "sagittal": 0.1}, sided=False),
    "hand": Region("arm", "hand", ((90, 115), (75, 100), (150, 190)), "metacarpals, phalanges, carpals", {**_ELBOW, **_WRIST}, 0.65, _FLAT, turn_deg=_ARM_TURN, gap_mm=1.1),
    "lower-leg": Region("leg", "lower leg", ((120, 150), (120, 150), (200, 260)), "tibia and fibula", _LEG, 0.8, _LONG, (10.0, 10.0, 60.0)),
    "shoulder": Region("shoulder", "shoulder", ((130, 165), (130, 165), (140, 170)), "humeral head, scapula, clavicle, ribs", _SHOULDER, 0.7, {"coronal": 0.4, "axial": 0.35, "sagittal": 0.25}),
    "chest": Region("chest", "chest", ((260, 310), (190, 230), (230, 270)), "ribs, sternum, thoracic spine, scapulae, clavicles", _SHOULDER, 1.1, {"axial": 0.5, "coronal": 0.3, "sagittal": 0.2}, sided=False, gap_mm=2.0),
    "arm": Region("arm", "arm", ((120, 160), (120, 160), (230, 290)), "humerus from shoulder to elbow", {**_SHOULDER, **_ELBOW}, 0.9, _LONG),
    "elbow": Region("arm", "elbow", ((100, 130), (100, 130), (120, 160)), "lower humerus, upper radius and ulna", {**_SHOULDER, "elbow_flexion": (0.0, 60.0), "pronation": (-70.0, 70.0)}, 0.65, turn_deg=_ARM_TURN),
    "hip": Region("pelvis", "hip", ((150, 200), (150, 190), (150, 190)), "upper femur, hip bone, part of the sacrum", _HIP, 0.8, {"coronal": 0.45, "axial": 0.3, "sagittal": 0.25}),
    "wrist": Region("arm", "wrist", ((80, 100), (65, 90), (90, 120)), "carpals, lower radius and ulna, bases of the metacarpals", {**_ELBOW, **_WRIST}, 0.5, _FLAT, turn_deg=_ARM_TURN, gap_mm=1.0, wander_mm=(5.0, 5.0, 10.0)),
    "thigh": Region("pelvis", "thigh", ((140, 190), (140, 190), (190, 250)), "shaft of the femur", _LEG, 0.9, _LONG, (12.0, 12.0, 70.0)),
    "knee": Region("leg", "knee", ((125, 160), (130, 165), (130, 170)), "lower femur, patella, upper tibia and fibula", _LEG, 0.7, {"sagittal": 0.5, "coronal": 0.3, "axial": 0.2}),
    "foot": Region("leg", "foot", ((95, 125), (190, 240), (90, 130)), "tarsals, metatarsals, phalanges", _ANKLE, 0.7, _FOOT, gap_mm=1.2),
    "ankle": Region("leg", "ankle", ((95, 120), (130, 170), (120, 150)), "lower tibia and fibula, talus, calcaneus, tarsals", {**_KNEE, **_ANKLE}, 0.65, _FOOT, gap_mm=1.4),
    "neck": Region("neck", "C5 vertebra", ((120, 160), (140, 170), (170, 210)), "skull base to T3, hyoid, mandible, upper ribs", _NECK, 0.8, _SPINE, sided=False, gap_mm=1.4),
    "sacroiliac-joints": Region("loin", "sacrum", ((180, 220), (110, 150), (130, 170)), "sacrum, coccyx, backs of the hip bones, L4 and L5", {"lordosis": (32.0, 64.0)}, 0.8, {"coronal": 0.5, "axial": 0.35, "sagittal": 0.15}, sided=False, gap_mm=2.0),
    "skull-base": Region("neck", "skull base", ((150, 180), (170, 200), (110, 150)), "skull, mandible, C1 to C3", _NECK, 0.9, {"axial": 0.5, "sagittal": 0.3, "coronal": 0.2}, sided=False, gap_mm=1.4),
})  # fmt: skip

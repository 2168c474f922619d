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
        part: Part of a body to assemble: "leg", "arm", "chest", "neck" or "lumbar".
        place: The point of that part that the field of view is centered on.
        extent_mm: Least and greatest size of the field along R, A and S.
        bones: Visible bones, as text.
        angles_deg: Least and greatest angle of each joint.
        spacing_mm: Edge of the voxels that the field is usually built with.
        planes: Relative frequency of each plane.
        wander_mm: Largest shift of the middle of the field from `place`, along R, A and S.
        turn_deg: Largest rotation of the whole about R, A and S, either way.
        sided: Whether it is one side of the body.
        gap_mm: Least distance between bones in joints.
        upright: Two places, upper one first, whose line is laid along the table before the turn.
        overhead: Probability that the limb is held above the head.
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
    upright: tuple[str, str] | None = None
    overhead: float = 0.0


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
    "pronation": (-70.0, 70.0),
    "wrist_flexion": (-20.0, 20.0),
    "wrist_deviation": (-8.0, 15.0),
    "thumb_abduction": (-15.0, 30.0),
    "thumb_flexion": (-20.0, 20.0),
    "finger_flexion": (0.0, 35.0),
    "finger_spread": (0.0, 6.0),
}
_NECK = {"neck_flexion": (-12.0, 12.0), "neck_tilt": (-5.0, 5.0), "neck_rotation": (-8.0, 8.0)}
_ARM_TURN = (10.0, 10.0, 90.0)

REGIONS: Mapping[str, Region] = MappingProxyType(
    {
        "humerus": Region(
            part="arm",
            place="humerus",
            extent_mm=((110, 150), (110, 150), (190, 250)),
            bones="shaft of the humerus, its head or its lower end",
            angles_deg={**_SHOULDER, **_ELBOW},
            spacing_mm=0.8,
            planes=_LONG,
            upright=("shoulder", "elbow"),
        ),
        "thoracic-spine": Region(
            part="chest",
            place="T7 vertebra",
            extent_mm=((110, 150), (130, 170), (230, 290)),
            bones="thoracic vertebrae and the backs of the ribs",
            angles_deg=_SHOULDER,
            spacing_mm=0.9,
            planes=_SPINE,
            sided=False,
        ),
        "lumbar-spine": Region(
            part="lumbar",
            place="L3 vertebra",
            extent_mm=((120, 160), (150, 190), (220, 270)),
            bones="T11 to S3, lower ribs, crests of the hip bones",
            angles_deg={"lordosis": (32.0, 64.0)},
            spacing_mm=0.8,
            planes=_SPINE,
            sided=False,
        ),
        "forearm": Region(
            part="arm",
            place="forearm",
            extent_mm=((90, 120), (90, 120), (190, 240)),
            bones="radius and ulna",
            angles_deg={**_ELBOW, **_WRIST},
            spacing_mm=0.7,
            planes=_LONG,
            turn_deg=_ARM_TURN,
            upright=("elbow", "wrist"),
            overhead=0.3,
        ),
        "pelvis": Region(
            part="pelvis",
            place="pelvis",
            extent_mm=((270, 310), (180, 220), (200, 240)),
            bones="hip bones, sacrum, coccyx, upper femora",
            angles_deg=_HIP,
            spacing_mm=1.1,
            planes={"coronal": 0.45, "axial": 0.45, "sagittal": 0.1},
            sided=False,
        ),
        "hand": Region(
            part="arm",
            place="hand",
            extent_mm=((90, 115), (75, 100), (150, 190)),
            bones="metacarpals, phalanges, carpals",
            angles_deg={**_ELBOW, **_WRIST},
            spacing_mm=0.65,
            planes=_FLAT,
            turn_deg=_ARM_TURN,
            gap_mm=1.1,
            upright=("wrist", "hand"),
            overhead=0.5,
        ),
        "lower-leg": Region(
            part="leg",
            place="lower leg",
            extent_mm=((120, 150), (120, 150), (200, 260)),
            bones="tibia and fibula",
            angles_deg=_LEG,
            spacing_mm=0.8,
            planes=_LONG,
            turn_deg=(10.0, 10.0, 60.0),
            upright=("knee", "ankle"),
        ),
        "shoulder": Region(
            part="shoulder",
            place="shoulder",
            extent_mm=((130, 165), (130, 165), (140, 170)),
            bones="humeral head, scapula, clavicle, ribs",
            angles_deg=_SHOULDER,
            spacing_mm=0.7,
            planes={"coronal": 0.4, "axial": 0.35, "sagittal": 0.25},
        ),
        "chest": Region(
            part="chest",
            place="chest",
            extent_mm=((260, 310), (190, 230), (230, 270)),
            bones="ribs, sternum, thoracic spine, scapulae, clavicles",
            angles_deg=_SHOULDER,
            spacing_mm=1.1,
            planes={"axial": 0.5, "coronal": 0.3, "sagittal": 0.2},
            sided=False,
            gap_mm=2.0,
        ),
        "arm": Region(
            part="arm",
            place="arm",
            extent_mm=((120, 160), (120, 160), (230, 290)),
            bones="humerus from shoulder to elbow",
            angles_deg={**_SHOULDER, **_ELBOW},
            spacing_mm=0.9,
            planes=_LONG,
            upright=("shoulder", "elbow"),
        ),
        "elbow": Region(
            part="arm",
            place="elbow",
            extent_mm=((100, 130), (100, 130), (120, 160)),
            bones="lower humerus, upper radius and ulna",
            angles_deg={**_SHOULDER, "elbow_flexion": (0.0, 60.0), "pronation": (-70.0, 70.0)},
            spacing_mm=0.65,
            turn_deg=_ARM_TURN,
            upright=("humerus", "forearm"),
            overhead=0.35,
        ),
        "hip": Region(
            part="pelvis",
            place="hip",
            extent_mm=((150, 200), (150, 190), (150, 190)),
            bones="upper femur, hip bone, part of the sacrum",
            angles_deg=_HIP,
            spacing_mm=0.8,
            planes={"coronal": 0.45, "axial": 0.3, "sagittal": 0.25},
        ),
        "wrist": Region(
            part="arm",
            place="wrist",
            extent_mm=((80, 100), (65, 90), (90, 120)),
            bones="carpals, lower radius and ulna, bases of the metacarpals",
            angles_deg={**_ELBOW, **_WRIST},
            spacing_mm=0.5,
            planes=_FLAT,
            turn_deg=_ARM_TURN,
            gap_mm=1.0,
            wander_mm=(5.0, 5.0, 10.0),
            upright=("forearm", "hand"),
            overhead=0.5,
        ),
        "thigh": Region(
            part="pelvis",
            place="thigh",
            extent_mm=((140, 190), (140, 190), (190, 250)),
            bones="shaft of the femur",
            angles_deg=_LEG,
            spacing_mm=0.9,
            planes=_LONG,
            turn_deg=(12.0, 12.0, 70.0),
        ),
        "knee": Region(
            part="leg",
            place="knee",
            extent_mm=((125, 160), (130, 165), (130, 170)),
            bones="lower femur, patella, upper tibia and fibula",
            angles_deg={**_LEG, "hip_rotation": (-6.0, 14.0)},
            spacing_mm=0.7,
            planes={"sagittal": 0.5, "coronal": 0.3, "axial": 0.2},
        ),
        "foot": Region(
            part="leg",
            place="foot",
            extent_mm=((95, 125), (190, 240), (90, 130)),
            bones="tarsals, metatarsals, phalanges",
            angles_deg=_ANKLE,
            spacing_mm=0.7,
            planes=_FOOT,
            gap_mm=1.2,
            upright=("knee", "ankle"),
        ),
        "ankle": Region(
            part="leg",
            place="ankle",
            extent_mm=((95, 120), (130, 170), (120, 150)),
            bones="lower tibia and fibula, talus, calcaneus, tarsals",
            angles_deg={**_KNEE, **_ANKLE},
            spacing_mm=0.65,
            planes=_FOOT,
            gap_mm=1.4,
            upright=("knee", "ankle"),
        ),
        "neck": Region(
            part="neck",
            place="C5 vertebra",
            extent_mm=((120, 160), (140, 170), (170, 210)),
            bones="skull base to T3, hyoid, mandible, upper ribs",
            angles_deg=_NECK,
            spacing_mm=0.8,
            planes=_SPINE,
            sided=False,
            gap_mm=1.4,
        ),
        "sacroiliac-joints": Region(
            part="lumbar",
            place="sacrum",
            extent_mm=((180, 220), (110, 150), (130, 170)),
            bones="sacrum, coccyx, backs of the hip bones, L4 and L5",
            angles_deg={"lordosis": (32.0, 64.0)},
            spacing_mm=0.8,
            planes={"coronal": 0.5, "axial": 0.35, "sagittal": 0.15},
            sided=False,
            gap_mm=2.0,
        ),
        "skull-base": Region(
            part="neck",
            place="skull base",
            extent_mm=((150, 180), (170, 200), (110, 150)),
            bones="skull, mandible, C1 to C3",
            angles_deg=_NECK,
            spacing_mm=0.9,
            planes={"axial": 0.5, "sagittal": 0.3, "coronal": 0.2},
            sided=False,
            gap_mm=1.4,
        ),
    }
)

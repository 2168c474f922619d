"""Muscles of a left lower leg: bellies around tibia and fibula, and tendons where these end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from anybone.synthetic.body import Array
from anybone.synthetic.posing.joints import end_of
from anybone.synthetic.scene import Mesh, MusclePath

TENDON_MM, ACHILLES_MM = 2.4, 3.6  # radius
_FIBULA_BEHIND_DEG = 42.0  # the fibula lies so far behind what is lateral of the tibia
_POINTS = 6  # along a belly
_LEVEL_SHARE = 0.04  # of the tibia's length: half of what is looked at of a bone at one level
_ATTACHED = 0.55  # of its radius: how far from bone a belly's middle lies


class _Lane(NamedTuple):
    """Course of a belly: range along the tibia's length, and direction from a bone."""

    first: float
    last: float
    bone: str
    toward_deg: float  # 0 lateral, 90 to the front


class _Behind(NamedTuple):
    """Course of a calf's belly: end along the tibia's length, lateral and posterior in distances of the bones."""

    first: float
    last: float
    lateral: float
    behind: float


_LANES = {
    "tibant": _Lane(0.0, 0.68, "tibia", 6.0),
    "edl": _Lane(0.04, 0.82, "fibula", 80.0),
    "ehl": _Lane(0.34, 0.86, "fibula", 125.0),
    "perlong": _Lane(0.02, 0.62, "fibula", 10.0),
    "perbrev": _Lane(0.38, 0.9, "fibula", -25.0),
    "tibpost": _Lane(0.1, 0.8, "fibula", -170.0),
    "fdl": _Lane(0.25, 0.88, "tibia", -125.0),
    "fhl": _Lane(0.3, 0.95, "fibula", -115.0),
}
_CALF = {
    "soleus": _Behind(0.06, 0.8, 0.25, 0.9),
    "gasmed": _Behind(0.05, 0.52, -0.1, 1.2),
    "gaslat": _Behind(0.05, 0.46, 0.6, 1.2),
}
_ACHILLES = _Behind(0.8, 0.8, 0.2, 1.0)  # where the tendons of the calf join


@dataclass(frozen=True, eq=False)
class _LowerLeg:
    """Tibia and fibula as they lie: the middle of the upper end, and the way down to that of the lower one."""

    bones: Mapping[str, Array]
    top_mm: Array
    down_mm: Array

    def share(self, points_mm: Array) -> Array:
        """Return the fraction of the lower leg's length at points "n 3"."""
        return np.asarray((points_mm - self.top_mm) @ self.down_mm / (self.down_mm @ self.down_mm))

    def level(self, bone: str, share: float) -> Array:
        """Return the points of a bone at a level."""
        points = self.bones[bone]
        away = np.abs(self.share(points) - share)
        return points[away <= max(_LEVEL_SHARE, float(away.min()))]

    def axes(self, share: float) -> tuple[Array, Array, float]:
        """Lateral, front, and how far the middles of both bones lie apart, at a level."""
        apart = self.level("fibula", share).mean(axis=0) - self.level("tibia", share).mean(axis=0)
        down = self.down_mm / np.linalg.norm(self.down_mm)
        apart = apart - (apart @ down) * down
        distance = float(np.linalg.norm(apart))
        out = apart / distance
        ahead = np.cross(down, out)  # of a left limb, whose outer side lies toward -x
        angle = np.radians(_FIBULA_BEHIND_DEG)
        return np.cos(angle) * out + np.sin(angle) * ahead, np.cos(angle) * ahead - np.sin(angle) * out, distance

    def beside(self, lane: _Lane, share: float, radius_mm: float) -> Array:
        """Return the middle of a belly next to bone at a level."""
        lateral, front, _ = self.axes(share)
        angle = np.radians(lane.toward_deg)
        way = np.cos(angle) * lateral + np.sin(angle) * front
        points = self.level(lane.bone, share)
        middle = self._middle(points, share)
        return np.asarray(middle + (((points - middle) @ way).max() + _ATTACHED * radius_mm) * way)

    def behind(self, lane: _Behind, share: float) -> Array:
        """Return the middle of a calf's belly at a level."""
        lateral, front, apart = self.axes(share)
        return self._middle(self.level("tibia", share), share) + apart * (lane.lateral * lateral - lane.behind * front)

    def _middle(self, points_mm: Array, share: float) -> Array:
        """Return the middle of a bone's points, exactly at a level."""
        middle = points_mm.mean(axis=0)
        return np.asarray(middle + (share - float(self.share(middle))) * self.down_mm)


def lower_leg_muscles(paths: Mapping[str, MusclePath], bones: Mapping[str, Mesh]) -> dict[str, MusclePath]:
    """Return the muscles, those of the left lower leg as bellies with tendons down to the ankle.

    A path of straight lines between attachments lies where force acts: in front of the tibia, or halfway to the heel.

    Args:
        paths: Paths of the left leg's muscles, posed.
        bones: Bones of the left leg, posed.
    """
    tibia = bones["left tibia"]
    top, foot = end_of(tibia, upper=True), end_of(tibia, upper=False)
    points = {name: bones[f"left {name}"].vertices_mm for name in ("tibia", "fibula")}
    lower_leg = _LowerLeg(points, top, foot - top)
    found = dict(paths)
    for name, lane in _LANES.items():
        radius = paths[f"left {name}"].radius_mm
        belly = [lower_leg.beside(lane, share, radius) for share in _shares(lane)]
        found |= _laid(f"left {name}", paths, lower_leg, np.stack(belly), [], TENDON_MM)
    join = lower_leg.behind(_ACHILLES, _ACHILLES.first)
    for name, course in _CALF.items():
        belly = [lower_leg.behind(course, share) for share in _shares(course)]
        found |= _laid(f"left {name}", paths, lower_leg, np.stack(belly), [join], ACHILLES_MM)
    return found


def _shares(course: _Lane | _Behind) -> Array:
    return np.linspace(course.first, course.last, _POINTS)


def _laid(
    name: str,
    paths: Mapping[str, MusclePath],
    lower_leg: _LowerLeg,
    belly_mm: Array,
    through_mm: Sequence[Array],
    tendon_mm: float,
) -> dict[str, MusclePath]:
    """Return a muscle from its origin above the lower leg along a belly, and its tendon to its insertion."""
    points = paths[name].points_mm
    placed = lower_leg.share(points)
    above, below = points[placed < 0], points[placed > lower_leg.share(belly_mm[-1:])[0] + _LEVEL_SHARE]
    found = {name: replace(paths[name], points_mm=np.concatenate([above, belly_mm]))}
    if len(below):
        tendon = f"{name.split()[0]} tendon of {name.split()[1]}"
        found[tendon] = MusclePath(np.stack([belly_mm[-1], *through_mm, *below]), tendon_mm, cord=True)
    return found

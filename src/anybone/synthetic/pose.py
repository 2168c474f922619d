"""A posed piece of a random body: the first stage of synthetic MRI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from anybone.core.errors import UsageError
from anybone.synthetic.body import Array, Body
from anybone.synthetic.contact import apart
from anybone.synthetic.posing.arm import FOREARM, GIRDLE, arm
from anybone.synthetic.posing.leg import leg, pelvis_with_legs
from anybone.synthetic.posing.trunk import chest, lumbar, neck
from anybone.synthetic.regions import REGIONS, Region
from anybone.synthetic.rigid import REST, Move, turned
from anybone.synthetic.scene import Scene
from anybone.synthetic.variation import individual, warp

_SIZE = 0.06  # standard deviation of the size of people
_MARGIN_MM = 12.0  # what lies so far beyond the field still shapes the tissue within
_PARALLEL = 1e-6  # sine of an angle that needs no turn
_WAVES_MM = (120.0, 320.0)


def pose(
    region: str,
    rng: np.random.Generator,
    *,
    shapes: Path | None = None,
    angles_deg: Mapping[str, float] | None = None,
    side: str | None = None,
) -> Scene:
    """Draw a random body at a place of the skeleton: proportions, joint angles and the visible part.

    Args:
        region: A key of `REGIONS`.
        rng: Draws everything that is not given.
        shapes: Folder of the Visible Human's leg (`vhf`, `vhm`), for finer tibiae and feet.
        angles_deg: Joints that are not to be drawn, by the names in the region's `angles_deg`.
        side: "left" or "right", for a region that has sides.

    Raises:
        UsageError: No such region, joint or side.
        MissingExtraError: The shapes it is made of are not installed.
        ReadError: `shapes` is not such a folder.
    """
    if region not in REGIONS:
        raise UsageError(f"There is no region {region!r}; choose from {', '.join(REGIONS)}.")
    setting = REGIONS[region]
    angles = _angles(region, setting, rng, angles_deg or {})
    chosen = _side(region, setting, rng, side)
    body = _assembled(setting, rng, angles, shapes)
    if chosen == "right":
        body = body.other_side()
    body = _varied(body, setting, rng)
    center = body.places_mm[setting.place] + rng.uniform(-1, 1, 3) * setting.wander_mm
    extent = np.array([rng.uniform(*bounds) for bounds in setting.extent_mm])
    body = body.within(center, extent + 2 * _MARGIN_MM)
    bones = apart(individual(body.bones, rng, 0.012), setting.gap_mm)
    return Scene(bones, body.muscles, center, extent, region, chosen, body.credits, body.canal, body.surfaces)


def _angles(region: str, setting: Region, rng: np.random.Generator, given: Mapping[str, float]) -> dict[str, float]:
    unknown = set(given) - set(setting.angles_deg)
    if unknown:
        known = ", ".join(setting.angles_deg) or "no joint"
        raise UsageError(f"Joint {sorted(unknown)[0]!r} is not bent in region {region!r}; choose from {known}.")
    drawn = {name: float(rng.uniform(*bounds)) for name, bounds in setting.angles_deg.items()}
    return drawn | dict(given)


def _side(region: str, setting: Region, rng: np.random.Generator, given: str | None) -> str:
    drawn = str(rng.choice(["left", "right"]))
    if not setting.sided:
        if given not in (None, "both"):
            raise UsageError(f"Region {region!r} has both sides in it; leave the side out instead of {given!r}.")
        return "both"
    if given not in (None, "left", "right"):
        raise UsageError(f"Side {given!r} is neither left nor right.")
    return given or drawn


def _assembled(setting: Region, rng: np.random.Generator, angles: Mapping[str, float], shapes: Path | None) -> Body:
    """Return the part of a body that the region shows; the left one of paired parts."""
    match setting.part:
        case "leg":
            return leg(rng, angles, shapes)
        case "pelvis":
            return pelvis_with_legs(rng, angles)
        case "arm":
            return arm(rng, angles, (*GIRDLE, *FOREARM))
        case "shoulder":
            return chest(rng, angles, ("left",))
        case "chest":
            return chest(rng, angles)
        case "neck":
            return neck(rng, angles)
        case _:
            return lumbar(rng, angles["lordosis"])


def _varied(body: Body, setting: Region, rng: np.random.Generator) -> Body:
    """Return the body with random size and proportions, slightly bent, lying on the table slightly oblique."""
    center: Array = body.places_mm[setting.place]
    size = float(np.exp(np.clip(rng.normal(0, _SIZE), -0.15, 0.15)))
    body = body.moved(warp(rng, center, rng.uniform(0.5, 2.5), _WAVES_MM, size))
    lie = _laid(body, setting, center)
    if rng.random() < setting.overhead:
        lie = turned(180.0, (0, 1, 0), center).after(lie)
    for axis in (2, 0, 1):  # about the limb first
        limit = setting.turn_deg[axis]
        lie = turned(float(rng.uniform(-limit, limit)), np.eye(3)[axis], center).after(lie)
    return body.moved(lie)


def _laid(body: Body, setting: Region, center_mm: Array) -> Move:
    """Return the rotation after which the line between the region's two places runs from head to foot."""
    if setting.upright is None:
        return REST
    upper, lower = (body.places_mm[name] for name in setting.upright)
    down = (lower - upper) / np.linalg.norm(lower - upper)
    axis = np.cross(down, (0, 0, -1))
    if float(np.linalg.norm(axis)) < _PARALLEL:
        return REST
    return turned(float(np.degrees(np.arccos(np.clip(-down[2], -1, 1)))), axis, center_mm)

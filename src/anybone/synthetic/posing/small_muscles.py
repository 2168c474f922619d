"""Muscles and tendons of a left hand or foot, laid along its bones after Gray's Anatomy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from anybone.synthetic.body import Array
from anybone.synthetic.scene import Mesh, MusclePath

TENDON_MM, THIN_TENDON_MM = 2.2, 1.3
_END_SHARE = 0.12  # of a long bone, from its tip on, whose middle is the middle of its end
_SHEATH_MM = 1.5  # between a bone and a tendon along it


@dataclass(frozen=True)
class _Ray:
    """A long bone: the middles of both ends, and its half thickness."""

    near: Array
    far: Array
    half_mm: float

    def at(self, share: float) -> Array:
        return self.near + share * (self.far - self.near)


def hand_muscles(bones: Mapping[str, Mesh]) -> dict[str, MusclePath]:
    """Thenar, hypothenar, interosseous muscles and the tendons of the fingers; nothing where no whole hand is."""
    if "left pisiform" not in bones or "left metacarpal 1" not in bones:
        return {}
    middle = {name.removeprefix("left "): mesh.vertices_mm.mean(axis=0) for name, mesh in bones.items()}
    wrist = middle["capitate"]
    palm = [_ray(bones[f"left metacarpal {n}"], wrist) for n in range(1, 6)]
    front = _across(palm, middle["pisiform"] - middle["triquetrum"])
    little = _unit(palm[4].at(0.5) - palm[1].at(0.5))
    found = _between(palm[1:], front, 5.0) | {
        "interosseous 1": _muscle(7.0, (palm[0].at(0.3) + palm[1].at(0.2)) / 2, palm[1].at(0.75) - 6 * little),
        "opponens pollicis": _muscle(6.5, middle["trapezium"] + 6 * front, palm[0].at(0.6) + 7 * front),
        "flexor pollicis brevis": _muscle(7.0, wrist + 11 * front, palm[0].at(0.5) + 13 * front, palm[0].far),
        "adductor pollicis": _muscle(6.5, palm[2].at(0.5) + 7 * front, palm[0].far),
        "abductor digiti minimi": _muscle(
            6.0, middle["pisiform"] + 3 * front, palm[4].at(0.5) + 5 * front + 7 * little, palm[4].far + 4 * little
        ),
        "opponens digiti minimi": _muscle(5.5, middle["hamate"] + 8 * front, palm[4].at(0.6) + 6 * front),
    }
    up = _unit(wrist - palm[2].far)
    for n in range(1, 6):
        rays = [palm[n - 1], *_phalanges(bones, "finger", n, palm[n - 1].far)]
        facing = _unit(wrist + 40 * front - rays[0].at(0.5)) if n == 1 else front
        sideways = (n - 3) * 2.5 * little
        tunnel = [wrist + 45 * up + 10 * front + sideways, wrist + 11 * front + sideways]
        back = [wrist + 40 * up - 12 * front + sideways, wrist - 11 * front + sideways]
        found |= _tendons(f"finger {n}", rays, facing, tunnel, back)
    return _named(found)


def foot_muscles(bones: Mapping[str, Mesh]) -> dict[str, MusclePath]:
    """Muscles of the sole, interosseous ones, and the tendons of the toes; nothing where no whole foot is."""
    if "left calcaneus" not in bones or "left metatarsal 1" not in bones:
        return {}
    middle = {name.removeprefix("left "): mesh.vertices_mm.mean(axis=0) for name, mesh in bones.items()}
    ankle, heel = middle["talus"], middle["calcaneus"]
    sole = [_ray(bones[f"left metatarsal {n}"], ankle) for n in range(1, 6)]
    down = _across(sole, heel - ankle)
    little = _unit(sole[4].at(0.5) - sole[0].at(0.5))
    under = heel + 16 * down
    found = _between(sole, down, 4.5) | {
        "flexor digitorum brevis": _muscle(9.0, under, sole[2].at(0.1) + 22 * down, sole[2].far + 9 * down),
        "quadratus plantae": _muscle(8.0, heel + 8 * down - 8 * little, sole[2].at(0.0) + 12 * down),
        "abductor hallucis": _muscle(8.0, under - 10 * little, sole[0].at(0.2) + 14 * down - 4 * little, sole[0].far),
        "abductor digiti minimi": _muscle(7.0, under + 9 * little, sole[4].at(0.2) + 9 * down, sole[4].far),
        "flexor hallucis brevis": _muscle(6.5, middle["cuboid"] + 9 * down, sole[0].at(0.6) + 9 * down, sole[0].far),
        "adductor hallucis": _muscle(6.0, sole[3].at(0.1) + 8 * down, sole[1].at(0.8) + 8 * down),
    }
    for n in range(1, 6):
        rays = [sole[n - 1], *_phalanges(bones, "toe", n, sole[n - 1].far)]
        sideways = (n - 3) * 3 * little
        back = [ankle - 22 * down + 0.3 * sideways, middle["navicular"] - 14 * down + sideways]
        found |= _tendons(f"toe {n}", rays, down, [heel + 6 * down - 16 * little, under + sideways], back)
    return _named(found)


def tendons_cut(muscles: Mapping[str, MusclePath], names: tuple[str, ...], joint_mm: Array) -> dict[str, MusclePath]:
    """Return the muscles, the named ones only up to a joint: their tendons beyond it are added separately."""
    found = dict(muscles)
    for name, path in muscles.items():
        if name.removeprefix("left ").startswith(names):
            last = int(np.linalg.norm(path.points_mm - joint_mm, axis=1).argmin())
            found[name] = replace(path, points_mm=path.points_mm[: last + 1])
    return {name: path for name, path in found.items() if len(path.points_mm) > 1}


def _between(rays: Sequence[_Ray], front: Array, radius_mm: float) -> dict[str, MusclePath]:
    """Return a muscle in each gap between neighboring rays, and a thinner one in front of it."""
    found = {}
    for number, (one, other) in enumerate(pairwise(rays), 2):
        path = [(one.at(share) + other.at(share)) / 2 for share in (0.05, 0.5, 0.9)]
        found[f"dorsal interosseous {number}"] = _muscle(radius_mm, *path)
        found[f"palmar interosseous {number}"] = _muscle(0.8 * radius_mm, *(p + 1.3 * radius_mm * front for p in path))
    return found


def _tendons(
    name: str, rays: Sequence[_Ray], front: Array, tunnel: Sequence[Array], back: Sequence[Array]
) -> dict[str, MusclePath]:
    """Return the tendons in front of and behind a finger or toe."""
    before, behind = list(tunnel), list(back)
    for ray in rays:
        facing = _unit(front - (front @ _unit(ray.far - ray.near)) * _unit(ray.far - ray.near))
        for share in (0.15, 0.9) if ray is not rays[-1] else (0.2,):
            before.append(ray.at(share) + (ray.half_mm + _SHEATH_MM + TENDON_MM) * facing)
            behind.append(ray.at(share) - (ray.half_mm + THIN_TENDON_MM) * facing)
    return {
        f"flexor tendon of {name}": MusclePath(np.array(before), TENDON_MM, cord=True),
        f"extensor tendon of {name}": MusclePath(np.array(behind), THIN_TENDON_MM, cord=True),
    }


def _phalanges(bones: Mapping[str, Mesh], kind: str, number: int, root: Array) -> list[_Ray]:
    found = []
    for which in ("proximal", "middle", "distal"):
        mesh = bones.get(f"left {which} phalanx of {kind} {number}")
        if mesh is not None:
            found.append(_ray(mesh, root))
            root = found[-1].far
    return found


def _ray(mesh: Mesh, root: Array) -> _Ray:
    """Return a long bone with its near end the one toward `root`."""
    at = mesh.vertices_mm
    centered = at - at.mean(axis=0)
    axis = np.linalg.svd(centered, full_matrices=False)[2][0]
    along = centered @ axis
    cut = _END_SHARE * np.ptp(along)
    ends = [at[along < along.min() + cut].mean(axis=0), at[along > along.max() - cut].mean(axis=0)]
    near, far = sorted(ends, key=lambda end: float(np.linalg.norm(end - root)))
    half = float(np.quantile(np.linalg.norm(centered - along[:, None] * axis, axis=1), 0.8))
    return _Ray(near, far, half)


def _across(rays: Sequence[_Ray], toward: Array) -> Array:
    """Return the unit normal of the plane of parallel long bones."""
    normal = _unit(np.cross(rays[2].far - rays[2].near, rays[-1].at(0.5) - rays[1].at(0.5)))
    return normal if normal @ toward > 0 else -normal


def _muscle(radius_mm: float, *points: Array) -> MusclePath:
    return MusclePath(np.array(points), radius_mm)


def _named(muscles: Mapping[str, MusclePath]) -> dict[str, MusclePath]:
    return {f"left {name}": path for name, path in muscles.items()}


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))

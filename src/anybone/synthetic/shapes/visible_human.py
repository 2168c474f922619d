"""The Visible Human's legs: fine surfaces of tibia, fibula and foot, in a folder that the user gives.

The data set is no part of this package: Andreassen et al., Scientific Data 2022, CC BY 4.0,
https://doi.org/10.56902/COB.vh.2022.0. The folder holds `vhf` and `vhm` with files such as `Bone_Talus.ply`. The
woman's forefoot is one piece and the man has no tibia, so that either is completed from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from anybone.core.errors import ReadError
from anybone.synthetic.mesh import facing_out, joined, mirrored, oriented, parts, smoothed, welded
from anybone.synthetic.rigid import Move, aligned, laid_upright
from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes import lower_limb
from anybone.synthetic.shapes.ply import read_ply

CREDIT = "Visible Human leg surfaces: Andreassen et al., Scientific Data 2022, University of Denver, CC BY 4.0"

_TO_RAS = {"vhf": np.array([1.0, 1.0, 1.0]), "vhm": np.array([-1.0, 1.0, -1.0])}
_FILES = {
    "tibia": "Tibia",
    "fibula": "Fibula",
    "talus": "Talus",
    "calcaneus": "Calcaneous",
    "navicular": "Navicular",
    "cuboid": "Cuboid",
    "medial cuneiform": "MedialCuneiform",
    "intermediate cuneiform": "IntermediateCuneiform",
    "lateral cuneiform": "LateralCuneiform",
}
_FOREFOOT = "Phalanges"
_MIDFOOT = ("navicular", "cuboid", "medial cuneiform", "intermediate cuneiform", "lateral cuneiform")
_SCRAP_FACES = 50
_METATARSALS = 5


def leg_of(folder: Path, person: str) -> dict[str, Mesh]:
    """Tibia, fibula and all bones of the foot of a left leg, in RAS mm of the woman's place.

    Args:
        folder: Holds `vhf` and `vhm`.
        person: "vhf" or "vhm": whose tarsal bones these are.

    Raises:
        ReadError: A file is missing or is not such a surface.
    """
    return {f"left {name}": mirrored(mesh) for name, mesh in _right_leg(folder, person).items()}


@lru_cache(maxsize=4)
def _right_leg(folder: Path, person: str) -> Mapping[str, Mesh]:
    woman = {name: _surface(folder, "vhf", file) for name, file in _FILES.items()}
    man = {name: _surface(folder, "vhm", file) for name, file in _FILES.items() if name not in ("tibia", "fibula")}
    toes = _toes(_surface(folder, "vhm", _FOREFOOT))
    middle = joined(man[name] for name in _MIDFOOT)
    there = joined(woman[name] for name in _MIDFOOT)
    shift = there.bounds_mm.mean(axis=0) - middle.bounds_mm.mean(axis=0)
    forefoot = aligned(middle, there, Move(np.eye(3), shift))
    if person == "vhf":
        return woman | {name: forefoot.mesh(mesh) for name, mesh in toes.items()}
    hind = aligned(man["talus"], woman["talus"], forefoot)
    return woman | {name: hind.mesh(mesh) for name, mesh in {**man, **toes}.items()}


def _surface(folder: Path, person: str, file: str) -> Mesh:
    path = folder / person / f"Bone_{file}.ply"
    if not path.is_file():
        raise ReadError(
            f"{path} is missing. Give the folder of the Visible Human's leg that holds vhf/Bone_*.ply and "
            "vhm/Bone_*.ply, or none."
        )
    raw = read_ply(path)
    return facing_out(Mesh(raw.vertices_mm * _TO_RAS[person], raw.faces))


def _toes(forefoot: Mesh) -> dict[str, Mesh]:
    """Metatarsals and phalanges: each piece follows the ray whose last bone ends nearest to it."""
    pieces = [oriented(piece) for piece in parts(welded(forefoot)) if len(piece.faces) > _SCRAP_FACES]
    metatarsals = sorted(pieces[:_METATARSALS], key=lambda p: float(p.vertices_mm[:, 0].mean()))  # right: 1 is inmost
    rays = [[bone] for bone in metatarsals]
    for bone in sorted(pieces[_METATARSALS:], key=lambda p: float(p.vertices_mm[:, 1].mean())):
        base = _end(bone, front=False)
        nearest = min(rays, key=lambda ray: float(np.linalg.norm(_end(ray[-1], front=True) - base)))
        nearest.append(bone)
    found = {}
    for number, ray in enumerate(rays, start=1):
        found[f"metatarsal {number}"] = smoothed(ray[0], 3)
        rows = ("proximal", "distal") if number == 1 else ("proximal", "middle", "distal")
        for row, bone in zip(rows, ray[1:], strict=False):  # tips may be missing
            found[f"{row} phalanx of toe {number}"] = smoothed(bone, 3)
    return found


def _end(bone: Mesh, front: bool) -> np.ndarray:
    at = bone.vertices_mm
    low, high = at[:, 1].min(), at[:, 1].max()
    near = at[:, 1] > high - 0.15 * (high - low) if front else at[:, 1] < low + 0.15 * (high - low)
    return np.asarray(at[near].mean(axis=0))


@lru_cache(maxsize=4)
def _on_mean(folder: Path, person: str) -> Move:
    """Return the move of the leg onto the mean of the shape model of the lower limb."""
    source, target = leg_of(folder, person), lower_limb.lower_limb(np.random.default_rng(0), 0.0)
    return laid_upright(*(joined([leg["left tibia"], leg["left fibula"]]) for leg in (source, target)))


def leg_onto(folder: Path, person: str) -> tuple[dict[str, Mesh], Move]:
    """Return the leg, and the move onto the mean of `anybone.synthetic.shapes.lower_limb`."""
    return leg_of(folder, person), _on_mean(folder, person)

"""Meshes of the articulated skeleton, and the connected component of each bone in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import UsageError
from anybone.synthetic.mesh import parts
from anybone.synthetic.scene import Mesh

_SIDES = (("right", "r"), ("left", "l"))
_ARM = ("clavicle", "scapula", "humerus", "ulna", "radius")
_CARPALS = ("lunate", "scaphoid", "pisiform", "triquetrum", "capitate", "trapezium", "trapezoid", "hamate")
_THORAX = "torso_geom_13_ribcage_s"
# How many faces a piece has; the thorax also carries an emblem, and scraps.
_RIB_FACES = range(90, 200)
_STERNUM_FACES = range(1000, 2000)
_METATARSAL = 220
_TOE_OUT = 0.2  # how far a toe leads outwards for each step to the front
_TARSALS = {
    "calcaneus": 331,
    "navicular": 122,
    "cuboid": 118,
    "medial cuneiform": 116,
    "lateral cuneiform": 88,
    "intermediate cuneiform": 80,
}


def _table() -> dict[str, tuple[str, str]]:
    """For each bone its mesh and its piece ("" for the whole mesh)."""
    table = {"skull": ("hat_skull", ""), "mandible": ("hat_jaw", ""), "sternum": (_THORAX, "sternum")}
    for side, s in _SIDES:
        table |= {f"{side} {bone}": (f"{bone}_{s}", "") for bone in (*_ARM, *_CARPALS)}
        table |= {f"{side} {bone}": (f"{s}_{bone}", "") for bone in ("femur", "tibia", "fibula", "patella", "talus")}
        table |= {f"{side} metacarpal {ray}": (f"{ray}mc_{s}", "") for ray in range(1, 6)}
        table[f"{side} proximal phalanx of finger 1"] = (f"thumbprox_{s}", "")
        table[f"{side} distal phalanx of finger 1"] = (f"thumbdist_{s}", "")
        for ray in range(2, 6):
            for place, short in (("proximal", "prox"), ("middle", "mid"), ("distal", "dist")):
                table[f"{side} {place} phalanx of finger {ray}"] = (f"{ray}{short}ph_{s}", "")
        table |= {f"{side} rib {number}": (_THORAX, f"{side} rib {number}") for number in range(1, 13)}
        table |= {f"{side} {bone}": (f"{s}_foot", bone) for bone in _TARSALS}
        table |= {f"{side} metatarsal {ray}": (f"{s}_foot", f"metatarsal {ray}") for ray in range(1, 6)}
        for ray in range(1, 6):
            for place in ("proximal", "distal") if ray == 1 else ("proximal", "middle", "distal"):
                table[f"{side} {place} phalanx of toe {ray}"] = (f"{s}_bofoot", f"{place} {ray}")
    return table


PIECES: Mapping[str, tuple[str, str]] = MappingProxyType(_table())

# The bones of a hand and of a foot without their side.
HAND: tuple[str, ...] = tuple(
    name.removeprefix("left ")
    for name in PIECES
    if name.startswith("left ") and any(word in name for word in (*_CARPALS, "metacarpal", "finger"))
)

FOOT: tuple[str, ...] = tuple(
    name.removeprefix("left ") for name, (mesh, _) in PIECES.items() if mesh in ("l_foot", "l_bofoot", "l_talus")
)


def piece_of(mesh: Mesh, piece: str) -> Mesh:
    """Return the named component of a mesh with several bones; the mesh itself for an empty name.

    Args:
        mesh: In RAS mm of a body at rest whose middle is at x = 0: pieces are distinguished by their position.
        piece: Component, see `PIECES`.

    Raises:
        UsageError: The mesh does not fall into the pieces that are known of it.
    """
    if not piece:
        return mesh
    pieces = parts(mesh)
    if piece == "sternum":
        return _one([p for p in pieces if len(p.faces) in _STERNUM_FACES], 0, 1, piece, _inwards)
    if "rib" in piece:
        sign = 1 if piece.startswith("right") else -1
        ribs = [p for p in pieces if len(p.faces) in _RIB_FACES and sign * _middle(p)[0] > 0]
        return _one(ribs, int(piece.split()[-1]) - 1, 12, piece, lambda p: -float(p.bounds_mm[1, 2]))
    if piece in _TARSALS:
        return _one([p for p in pieces if len(p.faces) == _TARSALS[piece]], 0, 1, piece, _inwards)
    if piece.startswith("metatarsal"):
        return _one([p for p in pieces if len(p.faces) == _METATARSAL], int(piece[-1]) - 1, 5, piece, _inwards)
    return _phalanx(pieces, piece)


def _phalanx(pieces: list[Mesh], piece: str) -> Mesh:
    """Toes follow one another outwards; the phalanges of a toe follow one another to the front."""
    row, ray = piece.split()
    outwards = sorted(pieces, key=lambda p: _inwards(p) - _TOE_OUT * float(_middle(p)[1]))
    rows = ("proximal", "distal") if ray == "1" else ("proximal", "middle", "distal")
    last = 2 + 3 * (int(ray) - 1)
    chain = outwards[last - len(rows) : last]
    return _one(chain, rows.index(row), len(rows), piece, lambda p: float(_middle(p)[1]))


def _one(pieces: list[Mesh], number: int, expected: int, name: str, key: Callable[[Mesh], float]) -> Mesh:
    if len(pieces) != expected:
        raise UsageError(
            f"The skeleton's mesh has {len(pieces)} pieces like {name}, not {expected}: another version than the one "
            'this was written for. Install the right one: pip install "anybone[anatomy]".'
        )
    return sorted(pieces, key=key)[number]


def _middle(mesh: Mesh) -> NDArray[np.float64]:
    return np.asarray(mesh.bounds_mm.mean(axis=0))


def _inwards(mesh: Mesh) -> float:
    """Distance from the middle of the body: grows from the big toe to the little one, on either foot."""
    return abs(float(_middle(mesh)[0]))

"""Muscles with fat between them, tendons, vessels; the outline of the body, its fat and its skin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import MusclePath, Scene
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.body_outline import digits_of, outline
from anybone.synthetic.tissues.cells import cells
from anybone.synthetic.tissues.coarse import fine
from anybone.synthetic.tissues.field import Array, Field, Mask
from anybone.synthetic.tissues.hull import trunk_of
from anybone.synthetic.tissues.muscles import around, cords, marbling, tendons_of
from anybone.synthetic.tissues.vessels import lay_vessels
from anybone.synthetic.voxelize import voxelize

SKIN_MM = (1.1, 2.4)
FAT_SHARE = 0.035  # usual thickness beneath the skin, of the field of view
FAT_MM = (1.2, 18.0)
MUSCLE_MM = (0.5, 4.0)  # that muscles are thicker than their tubes
PLANE_SHARE = 0.04  # half of the fat between two muscles, of their usual radius, in most people
UNKNOWN_MM, BARE_MM = 12.0, 6.0  # from muscles that are modeled and from bone, to where there are other muscles
FULL = ("radius", "ulna")  # bones among more muscles than are modeled: there, others fill what is left
FULL_MM = 2.0  # there, from those that are modeled
CORD_FAT_MM = 5.0  # around tendons
DIGIT_FAT_MM = (0.8, 2.5)
RECESS_MM = (6.0, 24.0)  # from bone, and between bones: some of it is fat


@dataclass(frozen=True, eq=False)
class SoftTissue:
    """Geometry of the soft tissue that later steps need.

    Attributes:
        surface_mm: Distance to where soft tissue ends and the fat beneath the skin begins, negative within.
        lean_mm: Distance to the nearest muscle that is modeled, negative inside.
        trunk: Mask of the trunk, on the field's grid.
    """

    surface_mm: Array
    lean_mm: Array
    trunk: Mask


def fill_soft_tissue(field: Field, scene: Scene, tissue: NDArray[np.uint8]) -> SoftTissue:
    """Write all tissues outside bone, from the skin inward, into `tissue`."""
    muscles = {name: path for name, path in scene.muscles.items() if not path.cord}
    near = around(field, muscles)
    lean, plane = near.outside_mm, near.plane_mm
    laid = [path for path in scene.muscles.values() if path.cord]
    cord = cords(field, laid)
    tendon = (cord < 0) | (cords(field, [end for path in muscles.values() for end in tendons_of(path)]) < 0)
    digits = digits_of(field)
    trunk = trunk_of(field, scene)
    pad = _pads(field, scene)
    solid = (np.minimum(field.away_mm, lean) <= 0.5) | tendon | pad
    surface = outline(field, solid, digits, trunk, _breadth(scene))
    fat = _cover(field, surface, digits, FAT_SHARE * _breadth(scene), tissue)
    within = surface < 0
    others = cells(field) & _unknown(field, lean) & (cord > CORD_FAT_MM) & (digits < 0.5)
    tissue[within] = np.where(others, Tissue.MUSCLE, Tissue.FAT)[within]
    own = _muscles(field, list(muscles.values()), within, lean, plane, tissue)
    tissue[within & (np.abs(surface) < 0.7)] = Tissue.FASCIA
    tissue[pad & within] = Tissue.FAT
    tendon &= surface < fat
    tissue[tendon] = Tissue.TENDON
    recess = (field.away_mm < RECESS_MM[0]) & (field.gap_mm < RECESS_MM[1]) & (field.noise(14) > 0.5)
    tissue[within & recess & ~tendon & ~own] = Tissue.FAT
    lay_vessels(field, within, np.minimum(plane, np.abs(lean)), tissue)
    return SoftTissue(surface, lean, fine(field, trunk) > 0.5)


def _cover(field: Field, surface: Array, digits: Array, usual_mm: float, tissue: NDArray[np.uint8]) -> Array:
    """Write skin and subcutaneous fat, and return its thickness in mm."""
    rng = field.rng
    fat = np.clip(rng.lognormal(np.log(usual_mm), 0.5), *FAT_MM) * np.clip(1 + 0.4 * field.noise(70), 0.15, None)
    fat = fat + digits * (np.minimum(fat, rng.uniform(*DIGIT_FAT_MM)) - fat)
    skin = max(rng.uniform(*SKIN_MM), 1.2 * field.spacing_mm)  # nowhere open, however coarse the grid
    tissue[...] = Tissue.AIR
    tissue[surface < fat + skin] = Tissue.SKIN
    tissue[surface < fat] = Tissue.FAT
    return np.asarray(fat)


def _unknown(field: Field, lean: Array) -> Mask:
    """Return the mask of muscles that are not modeled."""
    full = [number for number, name in field.names.items() if name.endswith(FULL)]
    return ((lean > UNKNOWN_MM) & (field.away_mm > BARE_MM)) | (np.isin(field.nearest, full) & (lean > FULL_MM))


def _muscles(
    field: Field, muscles: Sequence[MusclePath], within: Mask, lean: Array, plane: Array, tissue: NDArray[np.uint8]
) -> Mask:
    """Write the modeled muscles, with fat between and streaks of it within, and return their mask."""
    rng = field.rng
    own = within & (lean < rng.uniform(*MUSCLE_MM) + 1.5 * field.noise(12))
    tissue[own] = Tissue.MUSCLE
    usual_mm = float(np.median([path.radius_mm for path in muscles])) if muscles else 0.0
    thin = PLANE_SHARE * usual_mm * rng.lognormal(0, 0.6) * np.clip(1 + 0.7 * field.noise(25), 0.2, None)
    tissue[own & (plane < thin)] = Tissue.FAT
    tissue[own & marbling(field)] = Tissue.FAT
    return own


def _breadth(scene: Scene) -> float:
    """Return the mean of the two smaller sides of the field of view, in mm."""
    return float(np.sort(scene.extent_mm)[:2].mean())


def _pads(field: Field, scene: Scene) -> Mask:
    """Return the mask of fat pads with a surface of their own."""
    found = np.zeros(field.shape, dtype=bool)
    for name, mesh in scene.surfaces.items():
        if name.endswith("fat pad"):
            found |= voxelize(mesh, field.geometry)
    return found

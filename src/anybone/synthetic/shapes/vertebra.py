"""Vertebrae made of numbers: body, pedicles, laminae, processes and canal, C3 to L5.

Measures in mm at a few levels, with those between interpolated: Panjabi et al., Spine 1991 (16: 861-869, cervical;
16: 888-901, thoracic) and 1992 (17: 299-306, lumbar), rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes.solids import Field, Space, bar, column, united, without

LEVELS = tuple([f"C{n}" for n in range(1, 8)] + [f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)])

_SPACING_MM = 1.5
_CANAL_BEHIND_MM = 1.0  # the canal begins this far behind the middle of the back of the body


@dataclass(frozen=True)
class Vertebra:
    """The measures of a vertebra in mm; x to the right, y to the front, z to the head, 0 the middle of the body.

    Attributes:
        width: Width of the body at its endplates.
        depth: Depth of the body.
        height: Height of the body at its back.
        canal_width: Width of the vertebral canal.
        canal_depth: Depth of the vertebral canal.
        pedicle_width: Across.
        pedicle_height: Upright.
        transverse_span: Distance between the tips of the transverse processes.
        transverse_back: Distance of those tips behind the canal's middle.
        spinous_length: Distance from the back of the body to the tip of the spinous process.
        spinous_drop: Distance of that tip below the middle of the body.
        spinous_height: Height of the spinous process, upright.
        facet_span: Between the middles of the right and left facet joints.
        facet_turn: 0: facets look to the back (neck, chest), 1: to the side (lumbar).
        wedge: Height of the front of the body minus that of its back.
        lip: Protrusion of osteophytes from the rims.
    """

    width: float
    depth: float
    height: float
    canal_width: float
    canal_depth: float
    pedicle_width: float
    pedicle_height: float
    transverse_span: float
    transverse_back: float
    spinous_length: float
    spinous_drop: float
    spinous_height: float
    facet_span: float
    facet_turn: float
    wedge: float
    lip: float = 0.0


_MEASURES = {
    "C3": Vertebra(17, 15.5, 12, 23, 15, 5.4, 7.4, 50, -6, 32, 5, 6, 38, 0, 0.3),
    "C5": Vertebra(18, 16, 12, 24.5, 15, 5.6, 7, 54, -5, 34, 6, 6.5, 40, 0, 0.3),
    "C7": Vertebra(22, 17.5, 13.5, 24.5, 15, 6.6, 7.5, 66, 1, 52, 10, 9, 40, 0, 0.2),
    "T1": Vertebra(25, 17, 15, 21.8, 16, 8.4, 9.6, 74, 6, 52, 14, 10, 36, 0, -0.3),
    "T4": Vertebra(26, 22, 18, 17, 16, 4.8, 11.9, 60, 12, 52, 25, 11, 30, 0, -0.8),
    "T8": Vertebra(30, 27, 20, 17.5, 16, 5, 12.5, 59, 14, 54, 27, 12, 29, 0, -1.0),
    "T11": Vertebra(36, 31, 22, 19, 16.5, 8, 16, 48, 13, 52, 14, 17, 28, 0.3, -0.5),
    "T12": Vertebra(39, 32, 23, 22, 18, 8.8, 16.5, 46, 12, 52, 9, 20, 28, 0.8, -0.2),
    "L1": Vertebra(42, 33, 24.5, 23, 18, 8.6, 15.9, 72, 7, 54, 7, 22, 28, 1, 0.2),
    "L3": Vertebra(46, 35, 25.5, 24, 17.5, 10.5, 15, 86, 5, 56, 7, 24, 32, 1, 1.2),
    "L5": Vertebra(50, 35.5, 24.5, 26.5, 18.5, 16, 17, 88, 4, 47, 6, 17, 42, 0.8, 4.5),
}


def measures(level: str) -> Vertebra:
    """Return the mean measures of a level from C3 to L5."""
    place = LEVELS.index(level)
    known = [LEVELS.index(name) for name in _MEASURES]
    rows = np.array([[getattr(v, f.name) for f in fields(Vertebra)] for v in _MEASURES.values()])
    return Vertebra(*(float(np.interp(place, known, column_)) for column_ in rows.T))


def varied(vertebra: Vertebra, rng: np.random.Generator, share: float = 0.06, lip_mm: float = 0.0) -> Vertebra:
    """Another vertebra whose measures differ by about `share` of themselves, with osteophytes of up to `lip_mm`."""
    drawn = {
        f.name: getattr(vertebra, f.name) * float(np.exp(rng.normal(0, share)))
        for f in fields(Vertebra)
        if f.name not in ("facet_turn", "lip")
    }
    return replace(vertebra, **drawn, lip=float(rng.uniform(0, lip_mm)))


def vertebra_mesh(vertebra: Vertebra, neck: bool = False) -> Mesh:
    """Return the surface of a vertebra in its own frame.

    Args:
        vertebra: Its measures.
        neck: With articular pillars, holes for the vertebral arteries, hooked rims, and a forked spinous process.
    """
    v = vertebra
    side, back = v.transverse_span / 2 + 8, -v.depth / 2 - v.spinous_length - 6
    reach = v.height / 2 + 16
    low = min(-reach, -v.spinous_drop - v.spinous_height / 2 - 5)
    space = Space.box((-side, back, low), (side, v.depth / 2 + v.lip + 4, reach), _SPACING_MM)
    halves = Space(space.geometry, np.abs(space.x), space.y, space.z)  # both sides at once: x is never negative
    arch = _neck_arch(halves, v) if neck else _arch(halves, v)
    whole = united(_body(halves, v, hooked=neck), arch, 2.5)
    middle = (0, -v.depth / 2 - _CANAL_BEHIND_MM - v.canal_depth / 2)
    whole = without(whole, column(halves, middle, (v.canal_width / 2, v.canal_depth / 2), 2.3))
    if neck:
        whole = without(whole, column(halves, (v.width / 2 + 4.2, -v.depth / 2 + 3), (2.7, 2.7)))
    return space.mesh(whole)


def _body(space: Space, v: Vertebra, hooked: bool) -> Field:
    """Return a drum with a waist, hollowed endplates and a concave back."""
    y = space.y + 0.05 * v.depth * (1 - np.clip(2 * space.x / v.width, 0, 1) ** 2) * (space.y < 0)
    u = np.abs(2 * space.x / v.width)
    w = np.abs(2 * y / v.depth)
    radial = (u**2.3 + w**2.3) ** (1 / 2.3)
    half = v.height / 2 + v.wedge / 2 * (space.y / v.depth + 0.5)
    level = np.clip(space.z / half, -1, 1)
    waist = 1 - 0.09 * (1 - level**2) + 2 * v.lip / v.width * np.abs(level) ** 8
    sides = (waist - radial) * min(v.width, v.depth) / 2
    hollow = 0.07 * v.height * np.clip(1 - radial**2, 0, 1)
    ends = half - hollow - np.abs(space.z)
    if hooked:  # uncinate processes
        ends = ends + np.where(space.z > 0, 3.5 * np.clip(2.4 * u - 1.4, 0, 1), 0)
    return -united(-sides, -ends, 2.0)


def _arch(space: Space, v: Vertebra) -> Field:
    """Pedicles, laminae and processes of a vertebra of the chest or the lumbar spine."""
    back = -v.depth / 2
    canal = back - _CANAL_BEHIND_MM - v.canal_depth / 2
    wall = v.canal_width / 2  # beside the canal
    high = v.height / 2 - v.pedicle_height / 2
    pedicle_x = wall + v.pedicle_width / 2 - 0.5
    tall = v.pedicle_height / v.pedicle_width
    pars = (pedicle_x, canal - 2, high - 1)
    roof = canal - v.canal_depth / 2 - 2.5
    arch = bar(space, (pedicle_x, back + 5, high), pars, (v.pedicle_width / 2,) * 2, (1, 1, tall))
    lamina = v.height * 0.36
    arch = united(arch, bar(space, (wall * 0.95, roof + 5, -1), (0, roof, -4), (3.4, 3.6), (1, 1, lamina / 3.2)))
    tip = (0.0, back - v.spinous_length + 4, -v.spinous_drop)
    plate = v.spinous_height / 2 / 3.2
    arch = united(arch, bar(space, (0, roof - 3, -4), tip, (3.0, 3.6), (1, 1, plate)), 3.0)
    tip = (v.transverse_span / 2 - 3, canal - v.transverse_back, high - 1)
    thick = (4.6, 4.4) if v.facet_turn < 0.5 else (4.0, 3.0)
    arch = united(arch, bar(space, pars, tip, thick, (1, 0.9, 1.35)), 2.5)
    facet_x, facet_y = v.facet_span / 2, roof + 4
    upper = (facet_x + 1 + 3.5 * v.facet_turn, facet_y + 3.0 - 2.5 * v.facet_turn, v.height / 2 + 4.5)
    lower = (facet_x - 1.5 - 2.5 * v.facet_turn, facet_y - 3.5 - 1.0 * v.facet_turn, -v.height / 2 - 8.0)
    flat = (1 - 0.25 * v.facet_turn, 0.7 + 0.5 * v.facet_turn, 1.1)  # a plate across, or along
    arch = united(arch, bar(space, pars, upper, (4.4 + 1.2 * v.facet_turn, 4.3 + 1.0 * v.facet_turn), flat))
    return united(arch, bar(space, (facet_x, facet_y - 2, -2), lower, (5.0 + v.facet_turn, 4.4 + v.facet_turn), flat))


def _neck_arch(space: Space, v: Vertebra) -> Field:
    """Pedicles, articular pillars, laminae and processes of a vertebra of the neck."""
    back = -v.depth / 2
    canal = back - _CANAL_BEHIND_MM - v.canal_depth / 2
    roof = canal - v.canal_depth / 2 - 2
    pillar = (v.facet_span / 2, canal + 1.5)
    tall = v.pedicle_height / v.pedicle_width
    arch = bar(
        space,
        (v.width / 2 - 2, back + 3, 1),
        (pillar[0] - 1, pillar[1] + 3, 1),
        (v.pedicle_width / 2,) * 2,
        (1, 1, tall),
    )
    leaning = 4.5  # the facets slope down to the back
    top = (pillar[0], pillar[1] + leaning - 1, v.height / 2 + 0.5)
    arch = united(
        arch, bar(space, top, (pillar[0], pillar[1] - leaning - 1, -v.height / 2 - 2.5), (4.6, 4.4), (1.25, 0.9, 1))
    )
    arch = united(arch, bar(space, (pillar[0] - 2, canal - 2, -1), (0, roof, -3), (2.3, 2.6), (1, 1, 2.0)))
    fork = 4.5 if v.spinous_length < 44 else 0.5
    tip = (fork, back - v.spinous_length + 3, -v.spinous_drop)
    arch = united(arch, bar(space, (0, roof - 2, -3.5), tip, (3.0, 3.0), (1, 1, v.spinous_height / 6)), 2.5)
    tip = (v.transverse_span / 2 - 3, back - v.transverse_back * 0.6 - 1, -2)
    root = (v.width / 2 - 1, back + 8, -0.5)
    arch = united(arch, bar(space, root, tip, (2.6, 2.8), (1, 1, 1.2)))  # in front of the artery
    return united(arch, bar(space, (pillar[0] - 1, pillar[1] + 3, -1), tip, (2.8, 2.8), (1, 1, 1.2)))  # behind it

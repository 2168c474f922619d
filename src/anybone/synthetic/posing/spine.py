"""Vertebrae made of numbers, placed along a spine: as the skeleton's stand, or stacked on a sacrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from anybone.synthetic.body import Array
from anybone.synthetic.contact import vertex_normals
from anybone.synthetic.rigid import Move, frame, shifted, turned
from anybone.synthetic.scene import Mesh, MusclePath
from anybone.synthetic.shapes import skeleton
from anybone.synthetic.shapes.neck_top import atlas_mesh, axis_mesh
from anybone.synthetic.shapes.vertebra import LEVELS, Vertebra, measures, varied, vertebra_mesh

_BODY_SHARE = 0.79  # of the way from one vertebral body's middle to the next one's: the rest is disc
_ATLAS_ABOVE_MM, _AXIS_ABOVE_MM = 19.0, 8.0  # above the middle of C2's body; C2's above half a step over C3
_LORDOSIS_DEG = {
    "L5": 15.0,
    "L4": 13.0,
    "L3": 9.0,
    "L2": 7.0,
    "L1": 4.0,
    "T12": 1.0,
}  # the disc below, at 50 degrees in all
_KYPHOSIS_DEG = -3.5  # each disc of the chest
_FACING_UP = 0.9


def spine_of(frames: Mapping[str, Move], rng: np.random.Generator, sizes: Mapping[str, float]) -> dict[str, Mesh]:
    """Return the vertebrae of one person at the given places.

    Args:
        frames: Move from a vertebra's own frame to its place, by level ("L3").
        rng: Draws the person: all levels differ from the mean in one way, and each a little in its own.
        sizes: Distance of each body's middle to the next above, in mm.
    """
    lip = float(rng.choice([0.0, 1.5, 4.0], p=[0.5, 0.3, 0.2]))  # osteophytes: none, some, many
    person = varied(measures("L3"), rng, 0.05)
    mean = measures("L3")
    found = {}
    for level, place in frames.items():
        if level in ("C1", "C2"):
            size = sizes[level] / 16.5
            found[f"{level} vertebra"] = place.mesh(atlas_mesh(size) if level == "C1" else axis_mesh(size))
            continue
        own = measures(level)
        grown = sizes[level] * _BODY_SHARE / own.height
        own = _scaled(own, person, mean, float(np.clip(grown, 0.8, 1.25)))
        own = varied(replace(own, height=sizes[level] * _BODY_SHARE), rng, 0.025, lip)
        found[f"{level} vertebra"] = place.mesh(vertebra_mesh(own, neck=level.startswith("C")))
    return found


def _scaled(own: Vertebra, person: Vertebra, mean: Vertebra, size: float) -> Vertebra:
    """Return a level's measures, scaled by size and by this person's third lumbar vertebra relative to the mean."""
    kept = ("facet_turn", "lip", "transverse_back", "wedge")
    ratios = {
        name: getattr(own, name) * size * getattr(person, name) / getattr(mean, name)
        for name in own.__dataclass_fields__
        if name not in kept
    }
    return replace(own, **ratios)


def canal_of(frames: Mapping[str, Move], order: Sequence[str]) -> MusclePath:
    """Return the middle of the spinal canal, head to foot, through the given levels."""
    points, radii = [], []
    for level in order:
        own = measures("C3" if level in ("C1", "C2") else level)
        behind = 17.0 if level == "C2" else 14.0 if level == "C1" else own.depth / 2 + own.canal_depth / 2 + 1
        points.append(frames[level](np.array([[0.0, -behind, 0.0]]))[0])
        radii.append((own.canal_width + own.canal_depth) / 4)
    return MusclePath(np.stack(points), float(np.mean(radii)))


@lru_cache(maxsize=1)
def standing() -> tuple[Mapping[str, Move], Mapping[str, float]]:
    """For each level from L5 to C1 its place in the skeleton at rest, and how far it is to the next level, in mm."""
    middles = skeleton.vertebral_bodies()
    levels = [level for level in reversed(LEVELS) if level not in ("C1", "C2")]
    at = np.stack([middles[level] for level in levels])
    steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
    steps = np.append(steps, steps[-1])
    tangents = np.gradient(at, axis=0)
    frames = {level: frame(p, (1, 0, 0), t) for level, p, t in zip(levels, at, tangents, strict=True)}
    sizes = dict(zip(levels, map(float, steps), strict=True))
    third = frames["C3"]
    up = third.matrix[:, 2]
    axis = third.offset_mm + up * (sizes["C3"] / 2 + _AXIS_ABOVE_MM)
    frames["C2"] = frame(axis, (1, 0, 0), up)
    frames["C1"] = frame(axis + up * _ATLAS_ABOVE_MM * sizes["C3"] / 16.5, (1, 0, 0), up)
    return frames, sizes | {"C2": sizes["C3"], "C1": sizes["C3"]}


def stacked(
    base: Move, levels: Sequence[str], rng: np.random.Generator, size: float, lordosis_deg: float
) -> tuple[dict[str, Move], dict[str, float]]:
    """Places of vertebrae on an endplate, bottom first, and how far it is to the next one above, in mm.

    Args:
        base: The frame of the endplate below: origin in its middle, z out of it.
        levels: Levels from the lowest up, such as L5 to T10.
        rng: Draws the discs.
        size: Size of the vertebrae relative to the mean.
        lordosis_deg: Lordosis of the lumbar spine.
    """
    heights = {level: measures(level).height * size * float(np.exp(rng.normal(0, 0.03))) for level in levels}
    discs = rng.uniform(0.3, 0.42) if rng.random() < 0.75 else rng.uniform(0.18, 0.3)  # share of the body's height
    scoliosis = rng.normal(0, 0.7)
    frames, place = {}, base
    gaps = {level: heights[level] * discs * float(np.exp(rng.normal(0, 0.12))) for level in levels}
    for level in levels:
        bend = _LORDOSIS_DEG.get(level, _KYPHOSIS_DEG) * (lordosis_deg / 50 if level.startswith("L") else 1.0)
        tilt = turned(bend, (1, 0, 0)).after(turned(scoliosis + rng.normal(0, 0.5), (0, 1, 0)))
        disc = gaps[level] if level.startswith("L") else 0.6 * gaps[level]
        place = place.after(shifted((0, 0, disc / 2))).after(tilt).after(shifted((0, 0, disc / 2 + heights[level] / 2)))
        frames[level] = place
        place = place.after(shifted((0, 0, heights[level] / 2)))
    return frames, {level: heights[level] / _BODY_SHARE for level in levels}


def sacral_endplate(sacrum: Mesh) -> Move:
    """Return the frame of the upper endplate of the sacrum: its middle, z out of it."""
    at, normals = sacrum.vertices_mm, vertex_normals(sacrum)
    middle = (at[:, 0].min() + at[:, 0].max()) / 2
    up = np.array([0.0, 0.6, 0.8])
    for _ in range(4):
        flat = (np.abs(at[:, 0] - middle) < 20) & (normals @ up > _FACING_UP)
        flat &= at[:, 2] > np.quantile(at[:, 2], 0.5)
        front = at[:, 1] > np.quantile(at[flat, 1], 0.2)
        up = normals[flat & front].mean(axis=0)
        up = up / np.linalg.norm(up)
    origin: Array = at[flat & front].mean(axis=0)
    origin[0] = middle
    up[0] = 0
    return frame(origin, (1, 0, 0), up)

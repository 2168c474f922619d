"""Transitions from muscle bellies to tendons, for paths that only have attachments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from anybone.synthetic.body import Array
from anybone.synthetic.scene import MusclePath


def ended(
    muscles: Mapping[str, MusclePath], ends: Mapping[str, float], upper_mm: Array, lower_mm: Array, tendon_mm: float
) -> dict[str, MusclePath]:
    """Return the muscles of a left limb, some ending as bellies, with tendons from there to their attachments.

    Args:
        muscles: With points from the upper attachment to the lower one.
        ends: For the beginning of a muscle's name, without its side, the share of the way from one joint to the next.
        upper_mm: The joint above.
        lower_mm: The joint below.
        tendon_mm: Radius of the tendons.
    """
    down = (lower_mm - upper_mm) / np.sum((lower_mm - upper_mm) ** 2)
    found = dict(muscles)
    for name, path in muscles.items():
        short = name.removeprefix("left ")
        end = next((share for start, share in ends.items() if short.startswith(start)), np.inf)
        shares = (path.points_mm - upper_mm) @ down
        below = np.flatnonzero(shares > end)
        if not len(below) or below[0] == 0:
            continue
        after = int(below[0])
        part = (end - shares[after - 1]) / (shares[after] - shares[after - 1])
        cut = path.points_mm[after - 1] + part * (path.points_mm[after] - path.points_mm[after - 1])
        found[name] = replace(path, points_mm=np.concatenate([path.points_mm[:after], [cut]]))
        line = np.concatenate([[cut], path.points_mm[after:]])
        found[f"left tendon of {short}"] = MusclePath(line, tendon_mm, cord=True)
    return found


def flattened(path: MusclePath, along: Array, breadth_mm: float, count: int, radius_mm: float) -> list[MusclePath]:
    """Return a broad flat muscle as parallel thinner ones.

    Args:
        path: Its middle.
        along: The direction in which they lie beside one another.
        breadth_mm: Distance from the first to the last.
        count: Number of parts.
        radius_mm: Radius of each.
    """
    shifts = np.linspace(-breadth_mm / 2, breadth_mm / 2, count)[:, None] * along / np.linalg.norm(along)
    return [MusclePath(path.points_mm + shift, radius_mm) for shift in shifts]

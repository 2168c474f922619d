"""Pelvis, femur, patella, tibia and fibula of any number of people: a published model of how they vary together.

The package `musculoskeletal-models` (Auckland Bioengineering Institute, MPL-2.0) has the mean and the modes of 26
people as nodes of patches. The left leg is modeled; the right one is its mirror image.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import MissingExtraError
from anybone.synthetic.mesh import oriented, parts, smoothed, welded
from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes.patches import patch_surface

CREDIT = "Lower limb shape model LLP26: Auckland Bioengineering Institute, musculoskeletal-models, MPL-2.0"

_MODEL = "shape_models/LLP26_rigid.pc"
# Topologies in the order in which their nodes follow one another in the model, and the bones of each, largest first.
_PATCHES = {
    "pelvis_combined_cubic_flat": ("sacrum", "left hip bone", "right hip bone"),
    "femur_left_quartic_flat": ("left femur",),
    "patella_11_left": ("left patella",),
    "tibia_fibula_left_cubic_flat": ("left tibia", "left fibula"),
}
_STEPS = 6  # an edge of a patch (10-30 mm) is cut into as many
_WELD_MM = 0.02
_MODES = 12  # further modes of 26 people are mostly noise
_FROM_LPS = np.array([-1.0, -1.0, 1.0])


class _ArraysOnly(pickle.Unpickler):
    """Reads a pickle that holds nothing but numpy arrays."""

    def find_class(self, module: str, name: str) -> Any:
        import numpy._core.multiarray as arrays

        allowed = {"_reconstruct": arrays._reconstruct, "ndarray": np.ndarray, "dtype": np.dtype}
        if module.partition(".")[0] != "numpy" or name not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a numpy array")
        return allowed[name]


@dataclass(frozen=True, eq=False)
class _Bone:
    """A bone as a linear function of the model's nodes."""

    name: str
    weights: NDArray[np.float64]  # vertex, node
    nodes: slice
    faces: NDArray[np.int32]


def lower_limb(rng: np.random.Generator, spread: float = 1.0) -> dict[str, Mesh]:
    """Sacrum, both hip bones and the bones of a left leg of one person, in RAS mm, knees and hips nearly straight.

    Args:
        rng: Draws the person.
        spread: Standard deviations of the modes, as a share of those found; 0 gives the mean.

    Raises:
        MissingExtraError: The shape model is not installed.
    """
    mean, modes, bones = _model()
    nodes = mean + modes @ np.clip(rng.normal(size=modes.shape[-1]), -2.2, 2.2) * spread
    return {bone.name: smoothed(Mesh(bone.weights @ nodes[bone.nodes], bone.faces), 3) for bone in bones}


def _folder() -> Path:
    try:
        spec = importlib.util.find_spec("musculoskeletal.models")
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise MissingExtraError("The shape model of the lower limb", "anatomy")
    return Path(spec.origin).parent


@lru_cache(maxsize=1)
def _model() -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[_Bone, ...]]:
    """Mean "n 3" and modes "n 3 m" (one standard deviation each) in RAS mm, and the bones."""
    folder = _folder()
    with (folder / _MODEL).open("rb") as file:
        data = _ArraysOnly(file, encoding="latin1").load()
    mean = np.asarray(data["mean"]).reshape(3, -1).T * _FROM_LPS
    modes = np.asarray(data["modes"]) * np.sqrt(np.asarray(data["weights"]))
    modes = modes.reshape(3, -1, modes.shape[1]).transpose(1, 0, 2)[..., :_MODES] * _FROM_LPS[None, :, None]
    bones: list[_Bone] = []
    start = 0
    for name, found in _PATCHES.items():
        topology = json.loads((folder / "atlas_meshes" / f"{name}.mesh").read_text())
        nodes = slice(start, start + int(topology["number_of_points"]))
        start = nodes.stop
        bones += _bones_of(topology, found, nodes, mean[nodes])
    return mean, modes, tuple(bones)


def _bones_of(topology: dict[str, Any], names: tuple[str, ...], nodes: slice, at: NDArray[np.float64]) -> list[_Bone]:
    weights, faces = patch_surface(topology, _STEPS)
    whole = Mesh(weights @ at, faces)
    found = []
    for name, part in zip(names, parts(welded(whole, _WELD_MM)), strict=True):
        part = oriented(part)
        rows = _nearest_rows(whole.vertices_mm, part.vertices_mm)
        found.append(_Bone(name, weights[rows], nodes, part.faces))
    return found


def _nearest_rows(among: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.intp]:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(among).query(wanted)[1])

"""A whole skeleton with joints and muscle paths, posed: the package `musclemimic-models`, moved by MuJoCo.

Its bones are OpenSim's meshes (CC BY 3.0): those of the hand are fine, long bones are coarse and some are open. The
model's world is LPS; everything here is RAS mm with the middle of the body at x = 0.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import MissingExtraError, UsageError
from anybone.synthetic.mesh import closed, facing_out, hull, is_closed, open_edges, parts, refined, remeshed, welded
from anybone.synthetic.scene import Mesh, MusclePath
from anybone.synthetic.shapes.mesh_parts import PIECES, piece_of

CREDITS = (
    "Skeleton: musclemimic-models, Apache-2.0, after MyoSuite and OpenSim",
    "Bone geometry: OpenSim project, CC BY 3.0",
)

_BODY = "model/body/myofullbody.xml"
_FROM_LPS_M = np.diag([-1000.0, -1000.0, 1000.0])
_FACES = (600, 2500)  # a coarser bone is subdivided until it has about as many triangles for its size
_FACES_PER_MM2 = 0.5
_STEPS, _REMESHED_MM = 130, (0.5, 1.3)  # edges of a bone that is remeshed: its length in so many, within limits
_NECK_DISC_FACES = range(30, 60)
_VERTEBRAE = {f"L{n}": f"lumbar{n}_geom_1_lumbar{n}" for n in range(1, 6)} | {
    f"T{n}": f"torso_geom_{13 - n}_thoracic{n}_s" for n in range(1, 13)
}
_DEPTHS_MM = {
    level: 33.0 if level[0] == "L" else 20.0 + int(level[1:]) for level in _VERTEBRAE
}  # of the bodies, from there
_HOLLOW = "pisiform"  # has an inner wall that is open to the outside; the bone itself is round
_PULL_N_PER_MM2 = 0.5  # greatest tension of muscle: turns its strength into the cross-section of its fibers
_BROADEST_MM = 36.0  # broad muscles have short paths: a tube as wide as their volume asks for would swallow others
_SPINDLE = 0.5  # volume of a muscle against that of a cylinder as long and as wide as its belly


@dataclass(frozen=True, eq=False)
class Articulated:
    """A posed skeleton.

    Attributes:
        bones: Requested bones by the names of `anybone.core.labels`, in RAS mm.
        muscles: Paths in RAS mm, by the model's names.
        segments: For each muscle the body (by the model's names: "femur_l") that each point of its path is fixed to.
        joints_mm: Point on each joint's axis, by the model's names.
    """

    bones: Mapping[str, Mesh]
    muscles: Mapping[str, MusclePath]
    segments: Mapping[str, tuple[str, ...]]
    joints_mm: Mapping[str, NDArray[np.float64]]


def articulated(bones: Collection[str], angles_deg: Mapping[str, float] | None = None) -> Articulated:
    """Return the skeleton with its joints at the given angles; coupled joints follow.

    Args:
        bones: Names of the bones wanted: keys of `anybone.synthetic.shapes.mesh_parts.PIECES`.
        angles_deg: Angles by the model's names of joints ("elbow_flex_r"); the others stay neutral.

    Raises:
        MissingExtraError: The model or MuJoCo is not installed.
        UsageError: A joint that the model does not have.
    """
    simulator, model = _model()
    data = simulator.MjData(model)
    _set_joints(simulator, model, data, angles_deg or {})
    simulator.mj_kinematics(model, data)
    found = {}
    for name in bones:
        geom = _geoms()[PIECES[name][0]]
        turn = _FROM_LPS_M / 1000 @ data.geom_xmat[geom].reshape(3, 3)
        found[name] = _bone(name).moved(turn, _FROM_LPS_M @ data.geom_xpos[geom])
    joints = {model.joint(j).name: _FROM_LPS_M @ data.xanchor[j] for j in range(model.njnt)}
    muscles, segments = _muscles(simulator, model, data)
    return Articulated(found, muscles, segments, joints)


@lru_cache(maxsize=1)
def _model() -> tuple[Any, Any]:
    spec = importlib.util.find_spec("musclemimic_models")
    if spec is None or spec.origin is None or importlib.util.find_spec("mujoco") is None:
        raise MissingExtraError("The articulated skeleton", "anatomy")
    simulator: Any = importlib.import_module("mujoco")
    return simulator, simulator.MjModel.from_xml_path(str(Path(spec.origin).parent / _BODY))


def _set_joints(simulator: Any, model: Any, data: Any, angles_deg: Mapping[str, float]) -> None:
    place = {model.joint(j).name: int(model.jnt_qposadr[j]) for j in range(model.njnt)}
    unknown = set(angles_deg) - set(place)
    if unknown:
        raise UsageError(f"The skeleton has no joint {sorted(unknown)[0]!r}; choose from {', '.join(sorted(place))}.")
    data.qpos[0] = 0  # the model stands off the center
    for name, angle in angles_deg.items():
        data.qpos[place[name]] = np.radians(angle)
    for row in np.flatnonzero(model.eq_type == simulator.mjtEq.mjEQ_JOINT):
        led, leader = int(model.eq_obj1id[row]), int(model.eq_obj2id[row])
        value = 0.0 if leader < 0 else data.qpos[model.jnt_qposadr[leader]]
        data.qpos[model.jnt_qposadr[led]] = np.polynomial.polynomial.polyval(value, model.eq_data[row, :5])


@lru_cache(maxsize=1)
def _geoms() -> dict[str, int]:
    """Return the number of the geometry that shows each mesh, by the mesh's name."""
    simulator, model = _model()
    meshes = np.flatnonzero(model.geom_type == simulator.mjtGeom.mjGEOM_MESH)
    return {model.mesh(int(model.geom_dataid[g])).name: int(g) for g in meshes}


@lru_cache(maxsize=256)
def _bone(name: str) -> Mesh:
    """Return a bone in the frame of its mesh, in mm, closed and smooth."""
    mesh_name, piece = PIECES[name]
    turn, offset = _rest(_geoms()[mesh_name])
    mesh = piece_of(welded(_at_rest(mesh_name)), piece)
    bone = finished(hull(mesh) if name.endswith(_HOLLOW) else mesh)
    return bone.moved(turn.T, -turn.T @ offset)


def finished(mesh: Mesh) -> Mesh:
    """Return the mesh as a closed, smooth surface: facets rounded, remeshed where it has holes or seams."""
    sound = not len(open_edges(mesh))
    mended = closed(mesh)
    faces = float(np.prod(np.sort(np.diff(mended.bounds_mm, axis=0).ravel())[1:])) * _FACES_PER_MM2
    fine = refined(mended, int(np.clip(faces, *_FACES)))
    if sound and is_closed(fine):
        return facing_out(fine)
    size = float(np.diff(fine.bounds_mm, axis=0).max())
    return remeshed(fine, float(np.clip(size / _STEPS, *_REMESHED_MM)))


@lru_cache(maxsize=1)
def vertebral_bodies() -> Mapping[str, NDArray[np.float64]]:
    """Middles of the vertebral bodies from C3 to L5 at rest, in RAS mm: the front of each of the coarse meshes."""
    found = {}
    for level, depth in _DEPTHS_MM.items():
        at = _at_rest(_VERTEBRAE[level]).vertices_mm
        front = at[at[:, 1] > at[:, 1].max() - depth / 2]
        z = (front[:, 2].min() + front[:, 2].max()) / 2
        found[level] = np.array([0.0, at[:, 1].max() - depth / 2, z])
    discs = [
        p.bounds_mm.mean(axis=0) for p in parts(welded(_at_rest("hat_cervical"))) if len(p.faces) in _NECK_DISC_FACES
    ]
    discs = sorted(discs, key=lambda middle: float(middle[2]))  # below C6 to below C2
    for number, (below, above) in zip((6, 5, 4, 3), pairwise(discs), strict=True):
        found[f"C{number}"] = (below + above) / 2 * (0, 1, 1)
    found["C7"] = (found["C6"] + found["T1"]) / 2
    return found


def _at_rest(mesh_name: str) -> Mesh:
    """One of the model's meshes as it is, where it stands at rest, in RAS mm."""
    _, model = _model()
    geom = _geoms()[mesh_name]
    mesh = int(model.geom_dataid[geom])
    first, count = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
    face, faces = int(model.mesh_faceadr[mesh]), int(model.mesh_facenum[mesh])
    whole = Mesh(model.mesh_vert[first : first + count] * 1000.0, model.mesh_face[face : face + faces])
    return whole.moved(*_rest(geom))


def _rest(geom: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn and offset in mm from a mesh's own frame to RAS at rest."""
    simulator, model = _model()
    data = simulator.MjData(model)
    data.qpos[0] = 0
    simulator.mj_kinematics(model, data)
    return _FROM_LPS_M / 1000 @ data.geom_xmat[geom].reshape(3, 3), _FROM_LPS_M @ data.geom_xpos[geom]


def _belly_mm(model: Any, actuator: int, path_mm: NDArray[np.float64]) -> float:
    """Radius of a muscle's belly: volume from strength and fiber length, spread along its path as a spindle."""
    shortest, longest, strength = (float(number) for number in model.actuator_gainprm[actuator, :3])
    reach = 1000 * float(np.ptp(model.actuator_lengthrange[actuator]))
    volume = strength / _PULL_N_PER_MM2 * reach / (longest - shortest)
    length = float(np.linalg.norm(np.diff(path_mm, axis=0), axis=1).sum())
    return min(float(np.sqrt(volume / (_SPINDLE * max(length, 1.0) * np.pi))), _BROADEST_MM)


def _muscles(simulator: Any, model: Any, data: Any) -> tuple[dict[str, MusclePath], dict[str, tuple[str, ...]]]:
    found, segments = {}, {}
    for actuator in range(model.nu):
        tendon = int(model.actuator_trnid[actuator, 0])
        wraps = range(int(model.tendon_adr[tendon]), int(model.tendon_adr[tendon] + model.tendon_num[tendon]))
        sites = [int(model.wrap_objid[w]) for w in wraps if model.wrap_type[w] == simulator.mjtWrap.mjWRAP_SITE]
        path = data.site_xpos[sites] @ _FROM_LPS_M.T
        name = model.actuator(actuator).name
        found[name] = MusclePath(path, _belly_mm(model, actuator, path))
        segments[name] = tuple(model.body(int(model.site_bodyid[site])).name for site in sites)
    return found, segments

"""Surfaces as files: STL for printing and measuring, GLB with a name and a color for each bone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from anybone.core.atomic import whole_file
from anybone.core.errors import MissingExtraError, NothingFoundError, UsageError
from anybone.core.segmentation import Segmentation
from anybone.export.surfaces import Surface, surface_of

Space = Literal["RAS", "LPS"]
"""Which way x and y count: to the patient's right and front, or left and back. z counts to the head, in mm."""

_STL_HEADER_BYTES = 80


def write_stl(segmentation: Segmentation, path: Path, *, space: Space = "RAS", label: int | None = None) -> None:
    """Write the surfaces as binary STL in mm. STL has no names: all bones become one mesh.

    Args:
        segmentation: The bones.
        path: Ends in .stl.
        space: "RAS" or "LPS"; the header says which, as 3D Slicer reads it.
        label: One bone alone; None: all of them.

    Raises:
        NothingFoundError: There is no bone.
        MissingExtraError: What makes surfaces is not installed.
        WriteError: The file cannot be written.
    """
    trimesh = _trimesh()
    parts = [
        trimesh.Trimesh(_in_space(surface, space), surface.faces, process=False)
        for n, surface in _surfaces(segmentation)
        if label is None or n == label
    ]
    _check_some(parts, path)
    data = trimesh.util.concatenate(parts).export(file_type="stl")
    header = f"anybone SPACE={space} UNIT=mm".encode().ljust(_STL_HEADER_BYTES)
    with whole_file(path, ".stl") as part:
        part.write_bytes(header + data[_STL_HEADER_BYTES:])


def write_glb(segmentation: Segmentation, path: Path, *, space: Space = "RAS") -> None:
    """Write binary glTF in mm with a named, colored node for each bone.

    glTF itself counts meters with y upwards; viewers that take it at its word show a very large patient, lying. Every
    program that shows it beside the image needs the image's own millimeters.

    Args:
        segmentation: The bones.
        path: Ends in .glb.
        space: "RAS" or "LPS"; the file says which in `extras`.

    Raises:
        NothingFoundError: There is no bone.
        MissingExtraError: What makes surfaces is not installed.
        WriteError: The file cannot be written.
    """
    trimesh = _trimesh()
    scene = trimesh.Scene(metadata={"space": space, "unit": "mm"})
    for label, surface in _surfaces(segmentation):
        name = segmentation.names[label]
        red, green, blue = segmentation.color(label)
        material = trimesh.visual.material.PBRMaterial(
            name=name, baseColorFactor=[red, green, blue, 255], metallicFactor=0.0, roughnessFactor=0.8
        )
        mesh = trimesh.Trimesh(
            _in_space(surface, space),
            surface.faces,
            visual=trimesh.visual.TextureVisuals(material=material),
            process=False,
        )
        unique = name if name not in scene.graph.nodes else f"{name} {label}"
        scene.add_geometry(mesh, node_name=unique, geom_name=unique)
    _check_some(list(scene.geometry), path)
    data = scene.export(file_type="glb", include_normals=True)
    with whole_file(path, ".glb") as part:
        part.write_bytes(data)


def _trimesh() -> Any:
    try:
        import trimesh
    except ImportError as error:
        raise MissingExtraError("Writing surfaces", "mesh") from error
    return trimesh


def _surfaces(segmentation: Segmentation) -> Iterator[tuple[int, Surface]]:
    """Each label that occurs with its surface."""
    found = np.flatnonzero(np.bincount(segmentation.labels.ravel())[1:]) + 1
    for label in found.tolist():
        yield label, surface_of(segmentation.labels == label, segmentation.geometry)


def _check_some(parts: list[Any], path: Path) -> None:
    if not parts:
        raise NothingFoundError(f"{path} was not written: there is no bone to make a surface of.")


def _in_space(surface: Surface, space: Space) -> NDArray[np.float64]:
    """Vertices in mm; from RAS to LPS is half a turn, so that faces stay turned outwards."""
    if space not in get_args(Space):
        raise UsageError(f"The space of a surface is RAS or LPS; found {space!r}.")
    return surface.vertices_ras_mm * (1 if space == "RAS" else (-1, -1, 1))

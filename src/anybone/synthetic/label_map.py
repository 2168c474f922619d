"""LabelMap: an anatomy in voxels, ready to be given a contrast and scanned; one file each."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.synthetic.tissue import Tissue

FORMAT = "anybone label map 1"
_LEVEL = 4  # of zlib: most of the gain for a third of the time of its best


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Tissue and bone of every voxel of a part of a body.

    Args:
        tissue: uint8 "i j k", numbers of `Tissue`.
        bone: uint16 "i j k", 0 for no bone.
        geometry: Their grid: axes along R, A, S, voxels as long as they are wide.
        names: Bone number -> name, for every number that occurs.
        region: Key of the location it shows ("knee").
        seed: Seed of the drawing.
        credits: One line of attribution for each source of shapes that was used.

    Raises:
        GeometryError: Shapes differ, the grid is turned or has oblong voxels, a bone has no name, a tissue no meaning.
    """

    tissue: NDArray[np.uint8]
    bone: NDArray[np.uint16]
    geometry: Geometry
    names: Mapping[int, str]
    region: str = ""
    seed: int = 0
    credits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = self.geometry.shape_ijk
        if self.tissue.shape != shape or self.bone.shape != shape:
            raise GeometryError(
                f"Tissues have shape {self.tissue.shape}, bones {self.bone.shape}, the grid {shape}; "
                "give all three one shape."
            )
        if self.tissue.dtype != np.uint8 or self.bone.dtype != np.uint16:
            raise GeometryError(f"Tissues are uint8 and bones uint16; found {self.tissue.dtype} and {self.bone.dtype}.")
        matrix, spacing = self.geometry.affine_ras_mm[:3, :3], self.geometry.spacing_mm[0]
        if not np.allclose(matrix, np.eye(3) * spacing, atol=1e-4 * spacing):
            raise GeometryError(
                f"A label map has cubic voxels along R, A, S; found the matrix {matrix.tolist()}. Resample it first."
            )
        if int(self.tissue.max()) >= len(Tissue):
            raise GeometryError(f"Tissue {int(self.tissue.max())} is unknown; the last one is {max(Tissue)}.")
        numbers = np.flatnonzero(np.bincount(self.bone.ravel())).tolist()
        unnamed = sorted(set(numbers) - {0} - set(self.names))
        if unnamed:
            raise GeometryError(f"Bones {unnamed} have no name; name every bone that occurs.")
        names = {int(number): str(name) for number, name in sorted(self.names.items())}
        object.__setattr__(self, "names", MappingProxyType(names))
        object.__setattr__(self, "credits", tuple(self.credits))

    @property
    def spacing_mm(self) -> float:
        """Edge of a voxel in mm."""
        return self.geometry.spacing_mm[0]

    @property
    def sha256(self) -> str:
        """Hash of all that is in it; the same in memory and after a save."""
        digest = hashlib.sha256(json.dumps(_facts(self), sort_keys=True).encode())
        for array in (self.tissue, self.bone, self.geometry.affine_ras_mm):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def save(label_map: LabelMap, path: Path | str, *, effort: int = _LEVEL) -> Path:
    """Write the label map (safetensors, deflated arrays: about 1 MB for 250 voxels per axis); return the path.

    Args:
        label_map: Label map to write.
        path: Path of the file.
        effort: Compression level, 1 to 9.
    """
    from safetensors.numpy import save_file

    dtype = "uint8" if int(label_map.bone.max()) < 256 else "uint16"  # half the bytes to deflate
    tensors: dict[str, NDArray[Any]] = {
        "tissue": _deflated(label_map.tissue, effort),
        "bone": _deflated(label_map.bone.astype(dtype), effort),
        "affine_ras_mm": np.array(label_map.geometry.affine_ras_mm),
    }
    facts = {"shape_ijk": list(label_map.geometry.shape_ijk), "bone_dtype": dtype, **_facts(label_map)}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={"format": FORMAT, "facts": json.dumps(facts)})
    return path


def load(path: Path | str) -> LabelMap:
    """Load the label map of a file that `save` wrote.

    Raises:
        ReadError: The file is missing, damaged, or something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ReadError(f"{path} is no label map ({FORMAT!r}); make one with `anybone anatomy make`.")
            facts = json.loads(metadata["facts"])
            shape = tuple(facts["shape_ijk"])
            return LabelMap(
                tissue=_inflated(file.get_tensor("tissue"), "uint8", shape),
                bone=_inflated(file.get_tensor("bone"), facts["bone_dtype"], shape).astype(np.uint16),
                geometry=Geometry(shape, file.get_tensor("affine_ras_mm")),
                names={int(number): name for number, name in facts["names"].items()},
                region=facts["region"],
                seed=facts["seed"],
                credits=tuple(facts["credits"]),
            )
    except (OSError, SafetensorError, zlib.error, KeyError, TypeError, ValueError, GeometryError) as error:
        raise ReadError(
            f"{path} cannot be read as a label map ({error}). Make it again: it may be cut short."
        ) from error


def _facts(label_map: LabelMap) -> dict[str, object]:
    """Return the metadata as plain values."""
    return {
        "names": {str(number): name for number, name in label_map.names.items()},
        "region": label_map.region,
        "seed": int(label_map.seed),
        "credits": list(label_map.credits),
    }


def _deflated(array: NDArray[Any], effort: int) -> NDArray[np.uint8]:
    return np.frombuffer(zlib.compress(np.ascontiguousarray(array).tobytes(), effort), dtype=np.uint8)


def _inflated(packed: NDArray[np.uint8], dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    return np.frombuffer(zlib.decompress(packed.tobytes()), dtype=dtype).reshape(shape)

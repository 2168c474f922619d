"""Atlas: label maps packed as tensors on one device, from which slices are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Bool, Float, Int
from anybone.core.errors import UsageError
from anybone.synthetic.contrast.texture import KINDS, PLAIN, TEXTURES
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.tissue import Tissue

# A voxel in 15 bits: tissue, kind of its texture, bone.
TISSUE_MASK = 31
KIND_SHIFT = 5
BONE_SHIFT = 7
_MOST_BONES = 255
_PLACES = 4096  # voxels of bone remembered for each map, to aim slices at
_LOOKED_AT = 2**17  # voxels of bone that are considered
_AIR_FACE = 0.02  # a face of the grid with less tissue than this share does not cut the body


@dataclass(frozen=True, eq=False)
class Atlas:
    """Label maps, one after another in memory.

    Attributes:
        voxels: int16 of all maps: 128 * bone + 32 * kind of texture + tissue.
        starts: Offset of each map in `voxels`.
        shapes: Voxels of each map along i, j, k.
        spacing_mm: Edge of a voxel of each map.
        cut: Whether the body goes on beyond the lower and the upper face of each axis of each map.
        places_vx: Voxels of bone of each map, every bone as often as any other.
        names: Bone number -> name of each map.
        regions: Key of the location that each map shows; empty where a map does not say.
        has_metal: Whether any voxel is metal.
    """

    voxels: Int[Tensor, " v"]
    starts: Int[Tensor, " m"]
    shapes: Int[Tensor, "m 3"]
    spacing_mm: Float[Tensor, " m"]
    cut: Bool[Tensor, "m 3 2"]
    places_vx: Float[Tensor, "m p 3"]
    names: tuple[Mapping[int, str], ...]
    regions: tuple[str, ...]
    has_metal: bool

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, label_maps: Sequence[LabelMap], device: torch.device | str = "cpu", seed: int = 0) -> Atlas:
        """Return an atlas of label maps; 2 bytes per voxel on `device`, the small tensors stay on the CPU.

        Raises:
            UsageError: There is no map, or one with bones numbered above 255 or without any.
        """
        if not label_maps:
            raise UsageError("An atlas needs at least one label map; found none. Make some first.")
        rng = np.random.default_rng(seed)
        starts = np.cumsum([0, *[one.tissue.size for one in label_maps]])
        voxels = torch.empty(int(starts[-1]), dtype=torch.int16, device=device)
        for start, one in zip(starts, label_maps, strict=False):
            voxels[int(start) : int(start) + one.tissue.size] = torch.from_numpy(_packed(one)).to(device)
        return cls(
            voxels=voxels,
            starts=torch.from_numpy(starts[:-1]),
            shapes=torch.tensor([one.tissue.shape for one in label_maps]),
            spacing_mm=torch.tensor([one.spacing_mm for one in label_maps]),
            cut=torch.from_numpy(np.stack([_cut_faces(one.tissue) for one in label_maps])),
            places_vx=torch.from_numpy(np.stack([_places(one.bone, rng) for one in label_maps])),
            names=tuple(one.names for one in label_maps),
            regions=tuple(one.region for one in label_maps),
            has_metal=any(bool((one.tissue == Tissue.METAL).any()) for one in label_maps),
        )


def _packed(label_map: LabelMap) -> NDArray[np.int16]:
    if int(label_map.bone.max()) > _MOST_BONES:
        raise UsageError(
            f"A label map for an atlas has bones numbered up to {_MOST_BONES}; found {label_map.bone.max()}. "
            "Number its bones from 1."
        )
    kinds = [KINDS.index(TEXTURES.get(tissue, PLAIN).kind) for tissue in Tissue]
    low = np.array([kind << KIND_SHIFT | tissue for tissue, kind in enumerate(kinds)], dtype=np.int16)
    packed = label_map.bone.astype(np.int16) << BONE_SHIFT
    packed |= low[label_map.tissue]
    return packed.ravel()


def _cut_faces(tissue: NDArray[np.uint8]) -> NDArray[np.bool_]:
    faces = [(tissue.take(0, axis), tissue.take(-1, axis)) for axis in range(3)]
    return np.array([[(face != Tissue.AIR).mean() > _AIR_FACE for face in pair] for pair in faces])


def _places(bone: NDArray[np.uint16], rng: np.random.Generator) -> NDArray[np.float32]:
    """Voxel indices "place 3" of `_PLACES` voxels of bone."""
    index = np.flatnonzero(bone)
    if not index.size:
        raise UsageError("A label map without any bone cannot be aimed at; found one. Leave it out of the atlas.")
    index = index[rng.integers(len(index) // _LOOKED_AT + 1) :: len(index) // _LOOKED_AT + 1]
    number = bone.ravel()[index]
    _, group, count = np.unique(number, return_inverse=True, return_counts=True)
    chosen = rng.choice(index, size=_PLACES, p=(1 / count[group]) / len(count))
    return np.stack(np.unravel_index(chosen, bone.shape), axis=1).astype(np.float32)

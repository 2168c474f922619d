"""The inside of bones: a cortex as thick as it is there, yellow and red marrow, growth plates or their scars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import Mesh, Scene
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.field import Field


@dataclass(frozen=True)
class Kind:
    """Structure of bones of a kind.

    Attributes:
        ends_mm: Thickness of the cortex at the ends, or everywhere.
        shaft_mm: At the middle of the shaft.
        red: Share of red marrow.
        scarred: Whether growth plates close across its ends and leave lines.
    """

    ends_mm: float
    shaft_mm: float
    red: float
    scarred: bool = False


# By a word in the name of the bone; the first that is found.
KINDS: Mapping[str, Kind] = {
    "vertebra": Kind(0.8, 0.8, 0.75),
    "sacrum": Kind(0.9, 0.9, 0.7),
    "coccy": Kind(0.7, 0.7, 0.3),
    "hip bone": Kind(1.1, 1.1, 0.6),
    "rib": Kind(0.8, 0.9, 0.6),
    "sternum": Kind(0.8, 0.8, 0.6),
    "manubrium": Kind(0.8, 0.8, 0.6),
    "femur": Kind(1.0, 5.5, 0.25, scarred=True),
    "tibia": Kind(1.0, 4.5, 0.12, scarred=True),
    "fibula": Kind(0.9, 2.6, 0.05, scarred=True),
    "humerus": Kind(1.0, 4.0, 0.25, scarred=True),
    "radius": Kind(0.9, 2.6, 0.05, scarred=True),
    "ulna": Kind(0.9, 2.8, 0.05, scarred=True),
    "clavicle": Kind(1.0, 2.2, 0.3),
    "scapula": Kind(1.0, 1.0, 0.4),
    "metacarpal": Kind(0.7, 1.8, 0.0),
    "metatarsal": Kind(0.7, 2.0, 0.0),
    "phalanx": Kind(0.6, 1.4, 0.0),
    "skull": Kind(1.8, 1.8, 0.4),
    "occipital": Kind(1.8, 1.8, 0.4),
    "mandible": Kind(1.6, 1.6, 0.3),
}
OTHER = Kind(0.8, 0.8, 0.05)  # short bones
SCAR_SHARE = 0.55  # of long bones' ends that show a scar
SCAR_AT = 0.085  # of the length from the end
SCAR_MM = 1.2
YOUNG_SHARE = 0.12  # of people whose growth plates are open
PLATE_MM = (1.5, 3.2)
DOME_MM = 3.0  # standard deviation of how far the middle of a plate lies before its rim
THICKEST_SHARE = 0.75  # of the local radius: a medullary cavity remains


def kind_of(name: str) -> Kind:
    """Return the kind of the bone of that name."""
    return next((kind for word, kind in KINDS.items() if word in name), OTHER)


def fill_bones(field: Field, scene: Scene, tissue: NDArray[np.uint8]) -> None:
    """Write cortex and marrow of every bone into `tissue`."""
    rng = field.rng
    uneven, patches = field.noise(14), field.noise(16) + 0.6 * field.noise(6)
    redness = rng.normal(0, 0.2)  # of the person
    young = rng.random() < YOUNG_SHARE
    for number, name in field.names.items():
        kind = kind_of(name)
        at = np.nonzero(field.bone == number)
        along, length_mm = _along(scene.bones[name], field, at)
        shaft = np.clip(1.25 - 1.6 * np.abs(2 * along - 1) ** 2.2, 0, 1)
        depth = field.depth_mm[at]
        thick = kind.ends_mm + (kind.shaft_mm - kind.ends_mm) * shaft * rng.uniform(0.75, 1.15)
        thick = thick * (1 + 0.18 * uneven[at]) + field.spacing_mm / 2  # depth counts from voxels' middles
        thick = np.minimum(thick, THICKEST_SHARE * depth.max())
        thick = np.maximum(thick, 1.01 * field.spacing_mm)  # a closed shell, however coarse the voxels
        red = patches[at] < np.sqrt(2) * 1.1 * (2 * np.clip(kind.red + redness, 0.0, 1.0) - 1)
        inner = np.where(red & (kind.red + redness > 0), Tissue.RED_MARROW, Tissue.YELLOW_MARROW)
        filled = np.where(depth <= thick, Tissue.CORTEX, inner)
        plates = _Plates(along, length_mm, 1 - depth / depth.max(), 1.6 * uneven[at])
        if young and kind.shaft_mm > kind.ends_mm:
            filled[plates.draw(1.0, max(rng.uniform(*PLATE_MM), field.spacing_mm), rng)] = Tissue.GROWTH_CARTILAGE
        elif kind.scarred:
            scars = plates.draw(SCAR_SHARE, max(SCAR_MM, field.spacing_mm), rng)
            filled[scars & (filled != Tissue.CORTEX)] = Tissue.PHYSIS_SCAR
        tissue[at] = filled


def _along(mesh: Mesh, field: Field, at: tuple[NDArray[np.intp], ...]) -> tuple[NDArray[np.float64], float]:
    """Return the position of voxels along the bone's long axis, 0 to 1, and its length in mm from the whole mesh."""
    middle = mesh.vertices_mm.mean(axis=0)
    axis = np.linalg.svd(mesh.vertices_mm[::5] - middle, full_matrices=False)[2][0]
    ends = (mesh.vertices_mm - middle) @ axis
    place = (field.geometry.to_world(np.stack(at, 1)) - middle) @ axis
    length = float(ends.max() - ends.min())
    return np.clip((place - ends.min()) / max(length, 1e-6), 0, 1), length


@dataclass(frozen=True)
class _Plates:
    """Voxels of a bone, where growth plates cross it.

    Attributes:
        along: 0 to 1 from one end to the other.
        length_mm: Length of the bone.
        outwards: 0 in the middle, 1 at the surface.
        wavy_mm: Displacement of a plate there.
    """

    along: NDArray[np.float64]
    length_mm: float
    outwards: NDArray[np.float32]
    wavy_mm: NDArray[np.float32]

    def draw(self, share: float, thick_mm: float, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw the voxels of a plate at each end that has one, with probability `share`."""
        taken = np.zeros(self.along.shape, dtype=bool)
        for end in (SCAR_AT, 1 - SCAR_AT):
            place, dome = end + rng.normal(0, 0.008), rng.normal(0, DOME_MM)
            if rng.random() < share:
                beside = (self.along - place) * self.length_mm + dome * self.outwards**2 + self.wavy_mm
                taken |= np.abs(beside) < thick_mm / 2
        return taken

"""The sources of shapes as a list: which bones each has, under which license, and how good they are."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from anybone.synthetic.shapes.mesh_parts import FOOT, PIECES
from anybone.synthetic.shapes.vertebra import LEVELS

_SIDES = ("left", "right")
_DRAWN_ELSEWHERE = ("femur", "tibia", "fibula", "patella")  # the shape model has better ones


@dataclass(frozen=True)
class ShapeSource:
    """A source of surfaces of bones.

    Attributes:
        name: In words.
        license: License of the surfaces.
        credit: Authors of the surfaces.
        quality: Expected quality.
        bones: Bones by the names of `anybone.core.labels`.
        package: Required package; "" for none.
        install: Installation instructions.
    """

    name: str
    license: str
    credit: str
    quality: str
    bones: tuple[str, ...]
    package: str
    install: str

    @property
    def installed(self) -> bool:
        """Return whether the source can be used as installed; a folder of the user's counts as not installed."""
        if not self.package:
            return not self.install
        try:
            return importlib.util.find_spec(self.package) is not None
        except ModuleNotFoundError:
            return False


def _both(*bones: str) -> tuple[str, ...]:
    return tuple(f"{side} {bone}" for bone in bones for side in _SIDES)


_EXTRA = 'pip install "anybone[anatomy]"'
_SKELETON = tuple(name for name in PIECES if name.split(" ", 1)[-1] not in _DRAWN_ELSEWHERE)

SHAPES: Mapping[str, ShapeSource] = MappingProxyType(
    {
        "lower-limb-model": ShapeSource(
            "Lower limb shape model LLP26",
            "MPL-2.0",
            "Auckland Bioengineering Institute, musculoskeletal-models",
            "fine; closed; 12 modes of variation among 26 people",
            ("sacrum", *_both("hip bone", "femur", "patella", "tibia", "fibula")),
            "musculoskeletal.models",
            _EXTRA,
        ),
        "skeleton": ShapeSource(
            "Articulated skeleton",
            "CC BY 3.0 (surfaces), Apache-2.0 (model)",
            "OpenSim project; MyoSuite; musclemimic-models",
            "hand fine; foot, ribs and long bones of the arm coarse, refined and mended here",
            (*_SKELETON, "manubrium"),
            "musclemimic_models",
            _EXTRA,
        ),
        "measures": ShapeSource(
            "Made from measures",
            "Apache-2.0",
            "anybone, after Panjabi et al., Spine 1991 and 1992",
            "smooth; varies in every measure; simpler than life",
            (*(f"{level} vertebra" for level in LEVELS), "hyoid bone", "coccyx"),
            "",
            "",
        ),
        "visible-human-leg": ShapeSource(
            "Visible Human legs",
            "CC BY 4.0",
            "Andreassen et al., Scientific Data 2022, University of Denver",
            "very fine; closed; two people",
            _both("tibia", "fibula", *FOOT),
            "",
            "give its folder: --shapes DIR",
        ),
    }
)


def shapes_of(bone: str | None = None) -> Iterator[tuple[str, ShapeSource]]:
    """Each bone with each of its sources: all of them, or those of one bone."""
    for source in SHAPES.values():
        for name in source.bones:
            if bone in (None, name):
                yield name, source

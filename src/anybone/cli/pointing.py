"""Pointing: hints about one volume -> the bones that they point at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.cli.hints import Hint
from anybone.core.errors import GeometryError, PromptError
from anybone.core.geometry import Geometry
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble, check_inside
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume

if TYPE_CHECKING:
    from anybone.cli.terminal import Bar
    from anybone.inference.options import SegmentOptions
    from anybone.inference.segmenter import Segmenter
    from anybone.interactive.session import Session


@dataclass(frozen=True)
class Reach:
    """How far a bone is followed through the slices.

    Attributes:
        first: Lowest slice; None as far as the bone goes.
        last: Highest slice.
        backwards: Whether toward lower slices.
        forwards: Whether toward higher ones.
    """

    first: int | None = None
    last: int | None = None
    backwards: bool = True
    forwards: bool = True


@dataclass(frozen=True)
class Pointing:
    """What a person points at.

    Attributes:
        hints: In the order given.
        reach: How far each bone is followed; None: only the slices that were pointed at.
    """

    hints: tuple[Hint, ...]
    reach: Reach | None = None

    @property
    def bones(self) -> list[str]:
        """Names of the bones pointed at, in the order of their first hint."""
        return list(dict.fromkeys(hint.bone for hint in self.hints))

    @property
    def mask_files(self) -> list[Path]:
        """The masks among the hints."""
        return [hint.file for hint in self.hints if hint.file is not None]

    def to_dict(self) -> dict[str, Any]:
        """The pointing as plain values."""
        reach = None if self.reach is None else vars(self.reach)
        return {"hints": [hint.to_dict() for hint in self.hints], "propagate": reach}


@dataclass(frozen=True)
class Placed:
    """A hint on its volume.

    Attributes:
        bone: Name of what is pointed at.
        prompt: What is added to a session.
        mask: Or a whole mask "i j k", which is cut once the slice axis is known.
    """

    bone: str
    prompt: Prompt | None = None
    mask: NDArray[np.bool_] | None = None

    def prompts(self, axis: int) -> list[Prompt]:
        """The prompts it makes on slices stacked along an axis."""
        if self.mask is not None:
            return [*MaskHint.from_mask(self.mask, axis)]
        return [] if self.prompt is None else [self.prompt]


def place(pointing: Pointing, volume: Volume) -> list[Placed]:
    """The hints on the volume's grid; needs no network, so mistakes show at once.

    Raises:
        PromptError: A hint lies outside the volume, or a mask is empty.
        GeometryError: A mask lies on another grid.
    """
    placed = [_place(hint, volume.geometry) for hint in pointing.hints]
    check_inside([p.prompt for p in placed if p.prompt is not None], volume.geometry)
    return placed


def point_at(
    segmenter: Segmenter,
    volume: Volume,
    options: SegmentOptions,
    pointing: Pointing,
    placed: Sequence[Placed],
    progress: Bar,
) -> Segmentation:
    """The bones pointed at, one label each, and nothing else; a bone that was not found is a warning in it."""
    session = segmenter.session(volume, options)
    remarks = []
    for bone in pointing.bones:
        session.add(*[prompt for p in placed if p.bone == bone for prompt in p.prompts(session.axis)])
        if pointing.reach is not None and session.mask.any() and not _follow(session, pointing.reach, progress):
            remarks.append(f"{bone} could not be followed beyond the slices {session.slices} that were pointed at.")
        if session.mask.any():
            session.accept(bone)
        else:
            session.reset()
            remarks.append(f"Nothing was found where the hints point at {bone}. Add points on it, or a box around it.")
    found = session.segmentation()
    names = found.names or dict(enumerate(pointing.bones, 1))
    if found.provenance is None:
        return replace(found, names=names)
    provenance = replace(found.provenance, warnings=(*found.provenance.warnings, *remarks))
    return replace(found, names=names, provenance=provenance)


def _follow(session: Session, reach: Reach, progress: Bar) -> list[int]:
    """The slices that the bone was followed to."""
    return session.propagate(
        reach.first, reach.last, backwards=reach.backwards, forwards=reach.forwards, progress=progress
    )


def _place(hint: Hint, geometry: Geometry) -> Placed:
    if hint.file is not None:
        return Placed(hint.bone, mask=_mask(hint.file, geometry))
    places = [tuple(p) for p in geometry.to_voxel(hint.places).tolist()] if hint.world else list(hint.places)
    match hint.kind:
        case "point":
            return Placed(hint.bone, Point(places[0], hint.positive))
        case "box":
            return Placed(hint.bone, Box(places[0], places[1]))
        case "lasso":
            return Placed(hint.bone, Lasso(tuple(places)))
        case _:
            return Placed(hint.bone, Scribble(tuple(places), hint.positive))


def _mask(path: Path, geometry: Geometry) -> NDArray[np.bool_]:
    from anybone.io import read_segmentation

    mask = read_segmentation(path)
    if not mask.geometry.matches(geometry):
        raise GeometryError(
            f"The mask {path} (shape {mask.geometry.shape_ijk}, {mask.geometry.orientation}) does not lie on the "
            f"volume's grid (shape {geometry.shape_ijk}, {geometry.orientation}). Give a mask drawn on this volume."
        )
    if not mask.mask.any():
        raise PromptError(f"The mask {path} is empty. Draw something in it.")
    return mask.mask

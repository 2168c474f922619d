"""Segment the bones that the prompts of one volume ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.cli.prompt_input import PromptSpec
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
class PropagationRange:
    """Slices that a mask is propagated to.

    Attributes:
        first: Lowest slice; None: up to the end of the bone.
        last: Highest slice; None: up to the end of the bone.
        backwards: Propagate toward lower slices.
        forwards: Propagate toward higher slices.
    """

    first: int | None = None
    last: int | None = None
    backwards: bool = True
    forwards: bool = True


@dataclass(frozen=True)
class PromptRequest:
    """Prompts on one volume.

    Attributes:
        specs: Prompts in the order given.
        propagation: Slices to propagate each bone to; None: only the prompted slices.
    """

    specs: tuple[PromptSpec, ...]
    propagation: PropagationRange | None = None

    @property
    def bones(self) -> list[str]:
        """Names of the prompted bones, in the order of their first prompt."""
        return list(dict.fromkeys(spec.bone for spec in self.specs))

    @property
    def mask_files(self) -> list[Path]:
        """Paths of the mask prompts."""
        return [spec.file for spec in self.specs if spec.file is not None]

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain values."""
        propagation = None if self.propagation is None else vars(self.propagation)
        return {"specs": [spec.to_dict() for spec in self.specs], "propagate": propagation}


@dataclass(frozen=True)
class PlacedPrompt:
    """Prompt on the grid of its volume.

    Attributes:
        bone: Name of the bone.
        prompt: Prompt for the session; None for a mask.
        mask: Mask "i j k", cut into slices once the slice axis is known.
    """

    bone: str
    prompt: Prompt | None = None
    mask: NDArray[np.bool_] | None = None

    def prompts(self, axis: int) -> list[Prompt]:
        """Return the session prompts for slices along an axis."""
        if self.mask is not None:
            return [*MaskHint.from_mask(self.mask, axis)]
        return [] if self.prompt is None else [self.prompt]


def place(request: PromptRequest, volume: Volume) -> list[PlacedPrompt]:
    """Place prompts on the volume's grid; needs no network, so errors show before inference.

    Raises:
        PromptError: A prompt lies outside the volume, or a mask is empty.
        GeometryError: A mask has another grid.
    """
    for spec in request.specs:
        if spec.world:
            _check_world(spec, volume.geometry)
    placed = [_place(spec, volume.geometry) for spec in request.specs]
    check_inside([p.prompt for p in placed if p.prompt is not None], volume.geometry)
    return placed


def _check_world(spec: PromptSpec, geometry: Geometry) -> None:
    """Raise `PromptError` in the coordinates that were typed, with a hint if these look like LPS."""
    outside = [p for p in spec.places if not geometry.contains(geometry.to_voxel(p))]
    if not outside:
        return
    corners = geometry.to_world([(0, 0, 0), tuple(n - 1 for n in geometry.shape_ijk)])
    low, high = (", ".join(f"{x:.1f}" for x in f(corners, axis=0)) for f in (np.min, np.max))
    lps = all(geometry.contains(geometry.to_voxel((-x, -y, z))) for x, y, z in spec.places)
    hint = (
        " With the first two signs flipped it lies inside: are these LPS coordinates, as in DICOM and ITK?"
        if lps
        else ""
    )
    raise PromptError(
        f"The {spec.kind} at ({', '.join(f'{x:g}' for x in outside[0])}) mm is outside the volume, which extends from "
        f"({low}) to ({high}) mm.{hint} --world takes RAS+ mm: right, front and head are positive."
    )


def segment_prompted(
    segmenter: Segmenter,
    volume: Volume,
    options: SegmentOptions,
    request: PromptRequest,
    placed: Sequence[PlacedPrompt],
    progress: Bar,
) -> Segmentation:
    """Segment the prompted bones, one label each; add a warning for each bone that was not found."""
    session = segmenter.session(volume, options)
    remarks = []
    for bone in request.bones:
        session.add(*[prompt for p in placed if p.bone == bone for prompt in p.prompts(session.axis)])
        if (
            request.propagation is not None
            and session.mask.any()
            and not _propagate(session, request.propagation, progress)
        ):
            remarks.append(f"{bone} could not be propagated beyond the prompted slices {session.slices}.")
        if session.mask.any():
            session.commit(bone)
        else:
            session.reset()
            remarks.append(f"No bone was found at the prompts for {bone}. Add points on it, or a box around it.")
    found = session.segmentation()
    names = found.names or dict(enumerate(request.bones, 1))
    if found.provenance is None:
        return replace(found, names=names)
    provenance = replace(found.provenance, warnings=(*found.provenance.warnings, *remarks))
    return replace(found, names=names, provenance=provenance)


def _propagate(session: Session, propagation: PropagationRange, progress: Bar) -> list[int]:
    """Propagate the current mask and return the slices it reached."""
    return session.propagate(
        propagation.first,
        propagation.last,
        backwards=propagation.backwards,
        forwards=propagation.forwards,
        progress=progress,
    )


def _place(spec: PromptSpec, geometry: Geometry) -> PlacedPrompt:
    if spec.file is not None:
        return PlacedPrompt(spec.bone, mask=_mask(spec.file, geometry))
    places = [tuple(p) for p in geometry.to_voxel(spec.places).tolist()] if spec.world else list(spec.places)
    match spec.kind:
        case "point":
            return PlacedPrompt(spec.bone, Point(places[0], spec.positive))
        case "box":
            return PlacedPrompt(spec.bone, Box(places[0], places[1]))
        case "lasso":
            return PlacedPrompt(spec.bone, Lasso(tuple(places)))
        case _:
            return PlacedPrompt(spec.bone, Scribble(tuple(places), spec.positive))


def _mask(path: Path, geometry: Geometry) -> NDArray[np.bool_]:
    from anybone.io import read_segmentation

    mask = read_segmentation(path)
    if not mask.geometry.matches(geometry):
        raise GeometryError(
            f"The mask {path} (shape {mask.geometry.shape_ijk}, {mask.geometry.orientation}) does not have the "
            f"volume's grid (shape {geometry.shape_ijk}, {geometry.orientation}). Give a mask drawn on this volume."
        )
    if not mask.mask.any():
        raise PromptError(f"The mask {path} is empty. Draw something in it.")
    return mask.mask

"""From signal to images: slices, coils, k-space; a series for people, or batches for training."""

from __future__ import annotations

from anybone.anatomy.scanner.aim import Aim
from anybone.anatomy.scanner.atlas import Atlas
from anybone.anatomy.scanner.frames import PLANES
from anybone.anatomy.scanner.render import Rendered, Renderer, RenderOptions
from anybone.anatomy.scanner.scan import RANDOM, Series, scan

__all__ = ["PLANES", "RANDOM", "Aim", "Atlas", "RenderOptions", "Rendered", "Renderer", "Series", "scan"]

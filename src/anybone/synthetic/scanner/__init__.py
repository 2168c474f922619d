"""From signal to images: slices, coils, k-space; a series for people, or batches for training."""

from __future__ import annotations

from anybone.synthetic.scanner.aim import Aim
from anybone.synthetic.scanner.atlas import Atlas
from anybone.synthetic.scanner.frames import PLANES
from anybone.synthetic.scanner.render import Rendered, Renderer, RenderOptions
from anybone.synthetic.scanner.scan import RANDOM, Series, scan

__all__ = ["PLANES", "RANDOM", "Aim", "Atlas", "RenderOptions", "Rendered", "Renderer", "Series", "scan"]

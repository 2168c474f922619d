"""From tissues to signal: sequences by their equations, or random contrast."""

from __future__ import annotations

from anybone.anatomy.contrast.contrast import Contrast
from anybone.anatomy.contrast.dice import Dice
from anybone.anatomy.contrast.draw import draw_contrast
from anybone.anatomy.contrast.mixture import mixture
from anybone.anatomy.contrast.physics import physics
from anybone.anatomy.contrast.protocols import SEQUENCES, Protocol
from anybone.anatomy.contrast.relaxation import RELAXATION, Relaxation

__all__ = [
    "RELAXATION",
    "SEQUENCES",
    "Contrast",
    "Dice",
    "Protocol",
    "Relaxation",
    "draw_contrast",
    "mixture",
    "physics",
]

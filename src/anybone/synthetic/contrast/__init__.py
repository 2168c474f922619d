"""From tissues to signal: sequences by their equations, or random contrast."""

from __future__ import annotations

from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast
from anybone.synthetic.contrast.draw import draw_contrast
from anybone.synthetic.contrast.mixture import mixture
from anybone.synthetic.contrast.physics import physics
from anybone.synthetic.contrast.protocols import SEQUENCES, Protocol
from anybone.synthetic.contrast.relaxation import RELAXATION, Relaxation

__all__ = [
    "RELAXATION",
    "SEQUENCES",
    "BatchRng",
    "Contrast",
    "Protocol",
    "Relaxation",
    "draw_contrast",
    "mixture",
    "physics",
]

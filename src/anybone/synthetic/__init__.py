"""Synthetic MRI: anatomy made in code, with the truth about its bones."""

from __future__ import annotations

from anybone.synthetic.limb import SEQUENCES, limb_phantom

__all__ = ["SEQUENCES", "limb_phantom"]

"""Tissues grown around posed bones: a scene -> a label map."""

from __future__ import annotations

from anybone.synthetic.tissues.build import build

__all__ = ["build"]

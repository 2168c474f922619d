"""Where the shapes of bones come from: published surfaces, a model of how people vary, and measures."""

from __future__ import annotations

from anybone.synthetic.shapes.sources import SHAPES, ShapeSource, shapes_of

__all__ = ["SHAPES", "ShapeSource", "shapes_of"]

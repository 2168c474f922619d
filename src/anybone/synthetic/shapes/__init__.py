"""Shapes of bones: published surfaces, a statistical model of their variation, and measures."""

from __future__ import annotations

from anybone.synthetic.shapes.sources import SHAPES, ShapeSource, shapes_of

__all__ = ["SHAPES", "ShapeSource", "shapes_of"]

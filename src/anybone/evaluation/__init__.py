"""Evaluation: cases, baselines and reports."""

from __future__ import annotations

from anybone.evaluation.baselines import BASELINES, Cortex

__all__ = ["BASELINES", "Cortex"]

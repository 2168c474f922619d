"""Evaluation: pairs of masks, their scores, statistics over patients, reports; baselines and simulated users."""

"""Synthetic MRI: anatomy made in code, with the ground truth of its bones."""

"""Facts without torch: geometry, volumes, prompts, labels, segmentations, errors."""
